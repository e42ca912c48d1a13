import { fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import type { ReleaseAnswer, ReleaseMaterial } from '@strongroom/control-plane-contract';
import { accessRequest, approvalOf, approvalsOf, type ReleaseOptions, type SignedWorld } from '@strongroom/tests-fixtures';
import { outcomeOf, type Attack, type Outcome } from '../attack.js';
import { answerOf, nodeAccepts } from '../stage/node-side.js';

type Lie = readonly [what: string, code: string, change: (material: ReleaseMaterial, world: SignedWorld) => ReleaseMaterial];

const signedByOne = <T>(sign: (change: (value: T) => T, keys: readonly never[]) => unknown, keys: readonly unknown[]): never => sign((value) => value, keys.slice(0, 1) as never) as never;

/** Everything a server that lies might leave out or change in what it hands on, and the refusal each must meet, on both sides alike. */
const lies: readonly Lie[] = [
  ['no approvals but one', 'quorum-incomplete', (material) => ({ ...material, approvals: material.approvals.slice(0, 1) })],
  ['one approval twice', 'quorum-incomplete', (material) => ({ ...material, approvals: [material.approvals[0], material.approvals[0]] as never })],
  ['an approval of another request', 'approval-other-request', (material, world) => ({ ...material, approvals: approvalsOf(world, accessRequest(world, { label: 'another' })) })],
  ['an approval somebody else signed', 'approval-signature', (material, world) => ({
    ...material,
    approvals: [approvalOf(world, world.people.owner, material.request, (value) => value, { key: world.people.security.authenticator.privateKey }), ...material.approvals.slice(1)],
  })],
  ['a person who is on no roster', 'approval-unknown-credential', (material, world) => ({ ...material, approvals: [approvalOf(world, world.people.stranger, material.request), ...material.approvals] })],
  ['a request that was widened', 'approval-other-request', (material) => ({ ...material, request: { ...material.request, max_uses: material.request.max_uses + 1 } })],
  ['a roster of one signer', 'statement-signature', (material, world) => ({ ...material, roster: signedByOne(world.signRoster.bind(world) as never, world.keys.roots) })],
  ['a policy of one signer', 'statement-signature', (material, world) => ({ ...material, policy: signedByOne(world.signPolicy.bind(world) as never, world.keys.policySigners) })],
  ['a policy of another bundle', 'release-policy-digest', (material, world) => ({ ...material, policy: world.signPolicy((value) => ({ ...value, policy_digest: `sha256:${'00'.repeat(32)}` })) as never })],
  ['an enclave of one signer', 'statement-signature', (material, world) => ({ ...material, enclave: signedByOne(world.signEnclave.bind(world) as never, world.keys.policySigners) })],
  ['a registration of one registrar', 'statement-signature', (material, world) => ({ ...material, registration: signedByOne(world.signRegistration.bind(world) as never, world.keys.registrars) })],
  ['a manifest without security', 'manifest-roles', (material, world) => ({ ...material, manifest: world.signManifest((value) => value, [world.keys.manifestOwner, world.keys.stranger]) as never })],
  ['another manifest', 'manifest-mismatch', (material, world) => ({ ...material, manifest: world.signManifest((value) => ({ ...value, key_epoch: 2 })) as never })],
  ['a manifest that is not in the log', 'manifest-not-logged', (material) => ({ ...material, manifest_entry: material.release_entry })],
  ['a release that is not in the log', 'release-not-logged', (material) => ({ ...material, release_entry: material.manifest_entry })],
  ['a log entry that was changed', 'log-proof', (material) => ({ ...material, release_entry: { ...material.release_entry, entry: flip(material.release_entry.entry) } })],
  ['an expired roster', 'statement-expired', (material, world) => ({ ...material, roster: world.signRoster((value) => ({ ...value, expires_at: '2020-01-01T00:00:00Z' })) as never })],
  ['nothing in place of a roster', 'statement-malformed', (material) => ({ ...material, roster: undefined as never })],
  ['nothing in place of the approvals', 'statement-malformed', (material) => ({ ...material, approvals: undefined as never })],
  ['nothing in place of the release entry', 'statement-malformed', (material) => ({ ...material, release_entry: undefined as never })],
];

/** Lies told in the log itself: the entry is included and signed, and still not what the statements give. */
const loggedLies: readonly (readonly [what: string, code: string, options: Partial<ReleaseOptions>])[] = [
  ['more bytes than the shards have', 'release-entry-mismatch', { change: { statement: (value) => ({ ...value, bytes: value.bytes - 1 }) } }],
  ['another tenant in the policy input', 'release-input-mismatch', { change: { statement: (value) => ({ ...value, input: { ...value.input, tenant: 'other' } }) } }],
  ['a decision of yesterday', 'release-stale', { facts: { now: Math.floor(Date.now() / 1000) - 86_400 } }],
  ['a budget that is full', 'release-policy-denied', { facts: { usedBytes: Number.MAX_SAFE_INTEGER / 2 } }],
  ['a lease longer than the enclave’s', 'release-input-mismatch', { change: { statement: (value) => ({ ...value, lease: { ...value.lease, seconds: 3600 } }) } }],
];

export const lyingServer: Attack = {
  name: 'the whole server swapped for a lying one',
  rule: 'laws 1 and 3',
  story: `Root on the server, or somebody who answers in its place, leaves out or changes each thing a release rests on, ${lies.length + loggedLies.length} ways: towards the releaser, and, with keys that were released properly, towards the node.`,
  expected: [...new Set([...lies, ...loggedLies].map(([, code]) => code)), 'releaser-malformed', 'lease-mismatch', 'hpke-open'],
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const outcomes: Outcome[] = [];
      const release = await scene.sign();
      const honest = answerOf(release, await scene.releaser.call('release', release.body));
      await nodeAccepts(scene, release, honest);
      for (const [what, code, change] of lies) {
        const towardsNode = await outcomeOf(() => nodeAccepts(scene, release, { ...honest, material: change(honest.material, scene.world) }));
        const next = await scene.sign({ label: what });
        const towardsReleaser = await outcomeOf(() => scene.releaser.call('release', { ...next.body, material: change(next.body.material, scene.world) }));
        // A body without a member does not even parse at the releaser; the node gives the same refusal its own name.
        const malformed = code === 'statement-malformed' ? 'releaser-malformed' : code;
        outcomes.push(expecting(what, towardsNode, code), expecting(what, towardsReleaser, malformed));
      }
      for (const [what, code, options] of loggedLies) {
        const next = await scene.sign({ label: what, ...options });
        outcomes.push(expecting(what, await outcomeOf(() => scene.releaser.call('release', next.body)), code));
        const answer: ReleaseAnswer = { release_id: next.body.release_id, material: next.body.material, keys: honest.keys, lease: honest.lease };
        outcomes.push(expecting(what, await outcomeOf(() => nodeAccepts(scene, next, answer)), code));
      }
      outcomes.push(await outcomeOf(() => nodeAccepts(scene, release, { ...honest, lease: scene.world.signRoster() as never })));
      outcomes.push(await outcomeOf(() => nodeAccepts(scene, release, { ...honest, keys: honest.keys.map(({ shard }, i) => ({ shard, sealed: (honest.keys[(i + 1) % honest.keys.length] ?? honest.keys[0])?.sealed as never })) })));
      return outcomes;
    } finally {
      await scene.close();
    }
  },
};

/** An accident is not a defence: another refusal than the one meant counts as none. */
function expecting(what: string, outcome: Outcome, code: string): Outcome {
  return outcome.refused && outcome.code === code ? outcome : { refused: false, code: `${what}: ${outcome.code}, not ${code}` };
}

function flip(text: string): string {
  const bytes = fromBase64url(text, 65_535);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  return toBase64url(bytes);
}
