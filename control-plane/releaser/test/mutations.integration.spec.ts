import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalDigest, fromBase64url, signDsse, toBase64url } from '@strongroom/attestation-encoding';
import { ROSTER, signStatement, type ReleaseMaterial } from '@strongroom/control-plane-contract';
import { accessRequest, approvalOf, approvalsOf, createSoftwareNode, GOOD_PCRS, type ReleaseOptions, type ReleaseRequest, type SignedWorld } from '@strongroom/tests-fixtures';
import { ReleaserUnderTest } from './support/running-releaser.js';

/**
 * Every proof removed, stale or altered, one at a time, in a release that is right but for that: each has its refusal, nothing is
 * unwrapped, nothing is debited, no nonce is used up. One releaser serves them all, since a refusal leaves nothing behind.
 */
type Mutation = readonly [name: string, code: string, options: (world: SignedWorld) => Partial<ReleaseOptions>];

const material = (change: (material: ReleaseMaterial, world: SignedWorld) => Partial<ReleaseMaterial>) => (world: SignedWorld): Partial<ReleaseOptions> => ({
  change: { material: (value) => ({ ...value, ...change(value, world) }) },
});
const body = (change: (body: ReleaseRequest, world: SignedWorld) => Partial<ReleaseRequest>) => (world: SignedWorld): Partial<ReleaseOptions> => ({
  change: { body: (value) => ({ ...value, ...change(value, world) }) },
});
const statement = (change: Record<string, unknown>) => (): Partial<ReleaseOptions> => ({ change: { statement: (value) => ({ ...value, ...change }) } });
const ownerApproval = (change: Parameters<typeof approvalOf>[3], knobs: Parameters<typeof approvalOf>[4] = {}) =>
  material(({ request }, world) => ({ approvals: [approvalOf(world, world.people.owner, request, change, knobs), approvalOf(world, world.people.security, request)] }));
const past = '2020-01-01T00:00:00Z';
const zeros = `sha256:${'00'.repeat(32)}`;

const policy: Mutation[] = [
  ['policy signed by one', 'statement-signature', material((_, world) => ({ policy: world.signPolicy((value) => value, [world.keys.policySigners[0] ?? world.keys.stranger]) as never }))],
  ['policy signed twice by one', 'statement-signature', material((_, world) => ({ policy: world.signPolicy((value) => value, Array.from({ length: 2 }, () => world.keys.policySigners[0] ?? world.keys.stranger)) as never }))],
  ['policy expired', 'statement-expired', material((_, world) => ({ policy: world.signPolicy((value) => ({ ...value, expires_at: past })) as never }))],
  ['policy of another bundle', 'release-policy-digest', material((_, world) => ({ policy: world.signPolicy((value) => ({ ...value, policy_digest: zeros })) as never }))],
  ['policy of another tenant', 'statement-other-tenant', material((_, world) => ({ policy: world.signPolicy((value) => ({ ...value, tenant: 'other' })) as never }))],
  ['logged input altered', 'release-input-mismatch', () => ({ change: { statement: (value) => ({ ...value, input: { ...value.input, tenant: 'other' } }) } })],
  ['logged input without facts', 'release-input-mismatch', statement({ input: {} })],
  ['logged input that policy refuses', 'release-policy-denied', () => ({ facts: { usedBytes: 995_000 } })],
  ['decision too old', 'release-stale', (world) => ({ facts: { now: Math.floor(world.now().getTime() / 1000) - 61 } })],
  ['decision from the future', 'release-stale', (world) => ({ facts: { now: Math.floor(world.now().getTime() / 1000) + 61 } })],
];

const people: Mutation[] = [
  ['an approval missing', 'quorum-incomplete', material(({ approvals }) => ({ approvals: approvals.slice(0, 1) }))],
  ['one person approving twice', 'quorum-incomplete', material(({ approvals }) => ({ approvals: [approvals[0], approvals[0]] as never }))],
  ['a denial among approvals', 'quorum-incomplete', ownerApproval((value) => ({ ...value, decision: 'deny' }))],
  ["the requester's own approval", 'approval-factor', material(({ request, approvals }, world) => ({ approvals: [approvalOf(world, world.people.requester, request), ...approvals.slice(1)] }))],
  ['a factor the person may not fill', 'approval-factor', ownerApproval((value) => ({ ...value, factor: 'security' }))],
  ["a stranger's approval", 'approval-unknown-credential', material(({ request, approvals }, world) => ({ approvals: [...approvals, approvalOf(world, world.people.stranger, request)] }))],
  ['an approval under another name', 'approval-unknown-credential', material(({ request, approvals }, world) => ({ approvals: [approvalOf(world, world.people.owner, request, (value) => ({ ...value, approver: world.people.security.id })), ...approvals.slice(1)] }))],
  ['an approval on another site', 'approval-origin', ownerApproval((value) => value, { origin: 'http://localhost:7080' })],
  ['an approval for another relying party', 'approval-rp-id', ownerApproval((value) => value, { rpId: 'localhost' })],
  ['an approval inside a frame', 'approval-cross-origin', ownerApproval((value) => value, { crossOrigin: true })],
  ['an approval with nobody present', 'approval-user-presence', ownerApproval((value) => value, { flags: 0x04 })],
  ['an approval without user verification', 'approval-user-verification', ownerApproval((value) => value, { flags: 0x01 })],
  ['an approval with a key that can be copied', 'approval-backup-eligible', ownerApproval((value) => value, { flags: 0x0d })],
  ['an approval of another statement', 'approval-challenge', ownerApproval((value) => value, { challenge: new Uint8Array(32) })],
  ['an approval signed by another key', 'approval-signature', (world) => ownerApproval((value) => value, { key: world.people.security.authenticator.privateKey })(world)],
  ['an approval for another window', 'approval-window', ownerApproval((value) => ({ ...value, not_after: '2030-01-01T00:00:00Z' }))],
  ['an approval for more uses', 'approval-window', ownerApproval((value) => ({ ...value, max_uses: 6 }))],
  ['an approval for another purpose', 'approval-other-request', ownerApproval((value) => ({ ...value, purpose: 'migration' }))],
  ['an approval of other weights', 'approval-other-request', ownerApproval((value) => ({ ...value, weights_digest: [zeros] }))],
  ['an approval under another policy', 'approval-other-policy', ownerApproval((value) => ({ ...value, policy_digest: zeros }))],
  ['the request changed after approval', 'approval-other-request', material(({ request }) => ({ request: { ...request, ticket: 'SR-1' } }))],
  ['the request widened after approval', 'approval-other-request', (world) => ({ shards: [0], change: { material: (value) => ({ ...value, request: { ...value.request, shards: [0, 1] }, approvals: approvalsOf(world, accessRequest(world, { shards: [0] })) }) } })],
  ['a roster signed by one root', 'statement-signature', material((_, world) => ({ roster: world.signRoster((value) => value, world.keys.roots.slice(0, 1)) as never }))],
  ['a roster signed by others', 'statement-signature', material((_, world) => ({ roster: world.signRoster((value) => value, world.keys.policySigners) as never }))],
  ['a roster expired', 'statement-expired', material((_, world) => ({ roster: world.signRoster((value) => ({ ...value, expires_at: past })) as never }))],
  ['a roster of the future', 'statement-not-yet-valid', material((_, world) => ({ roster: world.signRoster((value) => ({ ...value, issued_at: '2099-01-01T00:00:00Z' })) as never }))],
  ['a roster in place of a policy', 'statement-malformed', material(({ roster }) => ({ policy: roster }))],
  ['a roster under another payload type', 'statement-malformed', material((_, world) => ({ roster: { ...signStatement(ROSTER, world.documents.roster, world.keys.roots), payloadType: 'application/json' } as never }))],
  ['a roster signed over other bytes', 'statement-signature', material(({ roster }, world) => ({ roster: { ...roster, signatures: signDsse(ROSTER.payloadType, new Uint8Array(2), world.keys.roots).signatures } as never }))],
];

const attestation: Mutation[] = [
  ['another measurement', 'evidence-not-affirming', () => ({ pcrs: [{ bank: 'sha256', values: { ...GOOD_PCRS[0]?.values, '7': 'cc'.repeat(32) } }] })],
  ['a measurement left out', 'evidence-not-affirming', () => ({ pcrs: [{ bank: 'sha256', values: { '0': 'aa'.repeat(32) } }] })],
  ['no measurement', 'evidence-not-affirming', () => ({ pcrs: [] })],
  ['evidence over another nonce', 'evidence-rejected', () => ({ change: { binding: (value) => ({ ...value, nonce: new Uint8Array(32) }) } })],
  ['evidence for another purpose', 'evidence-rejected', () => ({ change: { binding: (value) => ({ ...value, purpose: 'renew' }) } })],
  ['evidence of another node', 'evidence-rejected', (world) => ({ change: { binding: (value) => ({ ...value, node: world.seed.uuid('other node') }) } })],
  ['evidence over another transport key', 'evidence-rejected', () => ({ change: { binding: (value) => ({ ...value, transportKeyDigest: zeros }) } })],
  ['evidence over another mTLS key', 'evidence-rejected', () => ({ change: { binding: (value) => ({ ...value, mtlsKeyDigest: zeros }) } })],
  ['evidence of another tenant', 'evidence-rejected', () => ({ change: { binding: (value) => ({ ...value, tenant: 'other' }) } })],
  ['evidence swapped after logging', 'evidence-rejected', (world) => body((_, w) => ({ evidence: w.node.attest({ tenant: w.tenant, node: w.nodeId, akName: w.node.akName, purpose: 'release', nonce: new Uint8Array(32), transportKeyDigest: zeros, mtlsKeyDigest: zeros }, GOOD_PCRS) }))(world)],
  ['evidence of another machine', 'evidence-rejected', (world) => {
    const other = createSoftwareNode(world.seed.p256('another machine'));
    const evidence = other.attest({ tenant: world.tenant, node: world.nodeId, akName: other.akName, purpose: 'release', nonce: new Uint8Array(32), transportKeyDigest: zeros, mtlsKeyDigest: zeros }, GOOD_PCRS);
    return { change: { body: (value) => ({ ...value, evidence }), statement: (value) => ({ ...value, evidence_digest: canonicalDigest(evidence), input: { ...value.input, attestation: { ...(value.input['attestation'] as object), evidence_digest: canonicalDigest(evidence) } } }) } };
  }],
  ['the transport key swapped', 'evidence-transport-key', (world) => body(() => ({ transport_key: toBase64url(world.seed.bytes('another transport key')) }))(world)],
  ['a nonce nobody gave', 'nonce-unknown', body(() => ({ nonce: toBase64url(new Uint8Array(32)) }))],
  ['a log that calls software hardware', 'release-policy-denied', () => ({ change: { statement: (value) => ({ ...value, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), hardware: true } } }) } })],
  ['a log that names another environment', 'release-policy-denied', () => ({ change: { statement: (value) => ({ ...value, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), environment: 'elsewhere' } } }) } })],
  ['a log that says contraindicated', 'release-policy-denied', () => ({ change: { statement: (value) => ({ ...value, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), status: 'contraindicated' } } }) } })],
  ['a binding nobody signed', 'statement-signature', material((_, world) => ({ binding: { ...world.signBinding(), signatures: world.signRoster().signatures } as never }))],
  ['a binding signed once, not in force', 'node-not-bound', (world) => ({ binding: world.signBinding((value) => ({ ...value, version: 9 })) })],
  ['a registration signed by one', 'statement-signature', material((_, world) => ({ registration: world.signRegistration((value) => value, world.keys.registrars.slice(0, 1)) as never }))],
  ['a registration expired', 'statement-expired', material((_, world) => ({ registration: world.signRegistration((value) => ({ ...value, expires_at: past })) as never }))],
  ['another registration of the node', 'release-entry-mismatch', material((_, world) => ({ registration: world.signRegistration((value) => ({ ...value, endorsement_roots: [zeros] })) as never }))],
  ['an enclave signed by one', 'statement-signature', material((_, world) => ({ enclave: world.signEnclave((value) => value, world.keys.policySigners.slice(0, 1)) as never }))],
  ['an enclave expired', 'statement-expired', material((_, world) => ({ enclave: world.signEnclave((value) => ({ ...value, expires_at: past })) as never }))],
  ['an enclave with other reference values', 'release-entry-mismatch', material((_, world) => ({ enclave: world.signEnclave((value) => ({ ...value, enclave: { ...value.enclave, environments: value.enclave.environments.map((e) => ({ ...e, name: 'looser' })) } })) as never }))],
];

const manifest: Mutation[] = [
  ['the manifest without its owner', 'manifest-roles', material((_, world) => ({ manifest: world.signManifest((value) => value, [world.keys.manifestSecurity]) as never }))],
  ['the manifest without security', 'manifest-roles', material((_, world) => ({ manifest: world.signManifest((value) => value, [world.keys.manifestOwner, world.keys.stranger]) as never }))],
  ['the manifest expired', 'statement-expired', material((_, world) => ({ manifest: world.signManifest((value) => ({ ...value, expires_at: past })) as never }))],
  ['another manifest of the asset', 'manifest-mismatch', material((_, world) => ({ manifest: world.signManifest((value) => ({ ...value, key_epoch: 2 })) as never }))],
  ['a manifest whose quorum is one', 'manifest-mismatch', material((_, world) => ({ manifest: world.signManifest((value) => ({ ...value, quorum: { read_shard: { owner: 1 } } })) as never }))],
  ['the manifest entry of something else', 'manifest-not-logged', material(({ release_entry }) => ({ manifest_entry: release_entry }))],
];

const log: Mutation[] = [
  ['the release entry of something else', 'release-not-logged', material(({ manifest_entry }) => ({ release_entry: manifest_entry }))],
  ['a release entry altered', 'log-proof', material(({ release_entry }) => ({ release_entry: { ...release_entry, entry: flip(release_entry.entry) } }))],
  ['a proof altered', 'log-proof', material(({ release_entry }) => ({ release_entry: { ...release_entry, proof: release_entry.proof.replace(/index \d+/, 'index 0') } }))],
  ['a checkpoint signed by another log', 'log-proof', (world) => ({ releaseProof: { key: world.keys.stranger } })],
  ['manifest and release under two checkpoints', 'log-proof', (world) => ({ manifestProof: { size: world.manifestIndex + 1n } })],
  ['the entry of another release', 'release-entry-mismatch', (world) => body(() => ({ release_id: world.seed.uuid('unheard of') }))(world)],
  ...(
    [
      ['tenant', { tenant: 'other' }],
      ['request', { request_id: '019a0000-0000-7000-8000-000000000000' }],
      ['request digest', { request_digest: zeros }],
      ['asset', { asset: '019a0000-0000-7000-8000-000000000000' }],
      ['manifest', { manifest_digest: zeros }],
      ['policy', { policy_digest: zeros }],
      ['enclave', { enclave_digest: zeros }],
      ['roster', { roster_digest: zeros }],
      ['node', { node: '019a0000-0000-7000-8000-000000000000' }],
      ['AK', { ak_name: '00'.repeat(34) }],
      ['mTLS key', { mtls_key_digest: zeros }],
      ['shards', { shards: [0] }],
      ['bytes', { bytes: 1 }],
      ['approvals', { approvals: [{ approver: '019a0000-0000-7000-8000-000000000000', factor: 'owner', statement_digest: zeros }] }],
    ] as const
  ).map(([name, change]): Mutation => [`a log entry with another ${name}`, 'release-entry-mismatch', statement(change)]),
  ['a log entry with a longer lease', 'release-input-mismatch', () => ({ change: { statement: (value) => ({ ...value, lease: { ...value.lease, seconds: 3600 } }) } })],
  ['a log entry with another end', 'release-entry-mismatch', () => ({ change: { statement: (value) => ({ ...value, lease: { ...value.lease, not_after: '2030-01-01T00:00:00Z' } }) } })],
  ['a log entry with another transport key', 'release-input-mismatch', statement({ transport_key_digest: zeros })],
  ['a log entry with other evidence', 'release-input-mismatch', statement({ evidence_digest: zeros })],
];

const keys: Mutation[] = [
  ['a wrapped key missing', 'release-wrapped-keys', body(({ wrapped_keys }) => ({ wrapped_keys: wrapped_keys.slice(0, 1) }))],
  ['a wrapped key too many', 'release-wrapped-keys', (world) => ({ shards: [0], change: { body: (value) => ({ ...value, wrapped_keys: [...world.wrappedKeys] }) } })],
  ['a wrapped key twice', 'release-wrapped-keys', body(({ wrapped_keys }) => ({ wrapped_keys: [wrapped_keys[0], wrapped_keys[0]] as never }))],
];

function flip(encoded: string): string {
  const bytes = fromBase64url(encoded, 65_535);
  const at = Buffer.from(bytes).indexOf('"bytes":') + 8;
  bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31;
  return toBase64url(bytes);
}

let releaser: ReleaserUnderTest;
beforeAll(async () => {
  releaser = await ReleaserUnderTest.start();
  await releaser.enrol();
});
afterAll(async () => {
  await releaser.stop();
});

/** Challenges are bounded a node: those of refused releases are left to expire. */
async function refusalOf(options: Partial<ReleaseOptions>): Promise<string> {
  const before = await releaser.counts();
  await releaser.rows('DELETE FROM nonce WHERE used_at IS NULL');
  const release = await releaser.sign(options);
  const code = await releaser.client.codeOf('release', release.body);
  expect(await releaser.counts()).toEqual(before);
  return code;
}

describe.each([
  ['policy', policy],
  ['people', people],
  ['attestation', attestation],
  ['manifest', manifest],
  ['log', log],
  ['keys', keys],
] as const)('%s: a release is refused for', (_, mutations) => {
  it.each(mutations)('%s (%s)', async (_name, code, options) => {
    expect(await refusalOf(options(releaser.world))).toBe(code);
  });
});

describe('nonces', () => {
  it('serve only the purpose, node and minute they were given for', async () => {
    expect(await refusalOf({ nonce: await releaser.challenge('release') })).toBe('nonce-unknown');
    const renewal = await releaser.challenge('renew');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ nonce: renewal })).body)).toBe('nonce-purpose');
    const other = (await releaser.client.call('challenge', { node: releaser.world.seed.uuid('other node'), purpose: 'enrol' })).nonce;
    expect(await releaser.client.codeOf('release', (await releaser.sign({ nonce: other })).body)).toBe('nonce-unknown');
    const late = await releaser.sign();
    releaser.clock.advance(60);
    expect(await releaser.client.codeOf('release', late.body)).toBe('nonce-expired');
  });

  it('are bounded a node', async () => {
    await releaser.rows('DELETE FROM nonce WHERE used_at IS NULL');
    const codes: string[] = [];
    for (let asked = 0; asked < 33; asked += 1) codes.push(await releaser.client.codeOf('challenge', { node: releaser.world.nodeId, purpose: 'release' }));
    expect(codes.filter((code) => code === 'answered')).toHaveLength(32);
    expect(codes.at(-1)).toBe('nonce-limit');
    releaser.clock.advance(61);
    expect(await releaser.client.codeOf('challenge', { node: releaser.world.nodeId, purpose: 'release' })).toBe('answered');
  });
});

describe('a body', () => {
  it('is refused with any member missing, null, of another type or added', async () => {
    await releaser.rows('DELETE FROM nonce WHERE used_at IS NULL');
    const { body: whole } = await releaser.sign();
    const paths: string[][] = [...Object.keys(whole).map((key) => [key]), ...Object.keys(whole.material).map((key) => ['material', key]), ...Object.keys(whole.material.request).map((key) => ['material', 'request', key])];
    for (const path of paths) {
      for (const change of [undefined, null, { unexpected: true }]) {
        const bad = structuredClone(whole) as Record<string, unknown>;
        const parent = path.slice(0, -1).reduce<Record<string, unknown>>((value, key) => value[key] as Record<string, unknown>, bad);
        const last = path.at(-1) ?? '';
        if (change === undefined) delete parent[last];
        else parent[last] = change;
        expect([path, await releaser.client.codeOf('release', bad as never)]).toEqual([path, 'releaser-malformed']);
      }
    }
    expect(await releaser.client.codeOf('release', { ...whole, extra: 1 } as never)).toBe('releaser-malformed');
    expect(await releaser.client.codeOf('release', whole)).toBe('answered');
  }, 60_000);
});

describe('what changes the world comes last', () => {
  it('refuses an older or another document once a newer one was seen, even in a release that was refused', async () => {
    const { world } = releaser;
    const next = world.signRoster((value) => ({ ...value, version: 2 }));
    // Refused for its evidence, after its documents were verified.
    expect(await refusalOf({ label: 'rollback', documents: { roster: next } as never, pcrs: [] })).toBe('evidence-not-affirming');
    expect(await refusalOf({ label: 'rollback' })).toBe('statement-rolled-back');
    expect(await refusalOf({ label: 'rollback', documents: { roster: world.signRoster((value) => ({ ...value, version: 2, people: value.people.slice(1) })) } as never })).toBe('statement-rolled-back');
    expect(await refusalOf({ label: 'rollback', documents: { roster: next } as never, pcrs: [] })).toBe('evidence-not-affirming');
  });

  it('refuses a release proven under an older checkpoint, or another of the same size', async () => {
    const { world } = releaser;
    const documents = { roster: world.signRoster((value) => ({ ...value, version: 2 })) } as never;
    await releaser.rows('DELETE FROM nonce WHERE used_at IS NULL');
    const older = await releaser.sign({ documents, label: 'older' });
    expect(await releaser.client.codeOf('release', (await releaser.sign({ documents, label: 'newer' })).body)).toBe('answered');
    expect(await releaser.client.codeOf('release', older.body)).toBe('log-rolled-back');
    const { size } = world.log;
    const fork = world.log.fork();
    fork.append({ type: 'strongroom/log/document/v1', kind: 'roster', digest: zeros, version: 1, subject: 'fork' });
    // The honest log grows by the same; both are signed by the same key.
    const honest = await releaser.sign({ documents, label: 'honest' });
    expect(fork.size).toBe(size + 1n);
    const forked = fork.fork();
    expect(forked.size).toBe(world.log.size);
    expect(await releaser.client.codeOf('release', honest.body)).toBe('answered');
    const entry = { ...(await fork.prove(world.manifestIndex)) };
    expect(await releaser.client.codeOf('release', { ...older.body, material: { ...older.body.material, manifest_entry: entry, release_entry: await fork.prove(older.releaseIndex) } })).toBe('log-rolled-back');
  });

  it('counts, once debited, a release whose wrapped keys turn out to be others', async () => {
    const { world } = releaser;
    const documents = { roster: world.signRoster((value) => ({ ...value, version: 2 })) } as never;
    await releaser.rows('DELETE FROM nonce WHERE used_at IS NULL');
    const before = await releaser.counts();
    const swapped = await releaser.sign({ documents, label: 'swapped', change: { body: (value) => ({ ...value, wrapped_keys: value.wrapped_keys.map(({ shard }, at, all) => ({ shard, wrapped: all[1 - at]?.wrapped ?? value.wrapped_keys[0]!.wrapped })) }) } });
    expect(await releaser.client.codeOf('release', swapped.body)).toBe('release-wrapped-keys');
    expect(await releaser.counts()).toMatchObject({ releases: before.releases + 1, debited: before.debited + 10_000 });
    // Asked again with the right ones, it is the same release: served, and counted once.
    const right = { ...swapped.body, wrapped_keys: [...world.wrappedKeys] };
    expect(await releaser.client.codeOf('release', right)).toBe('answered');
    expect(await releaser.counts()).toMatchObject({ releases: before.releases + 1, debited: before.debited + 10_000 });
  });
});
