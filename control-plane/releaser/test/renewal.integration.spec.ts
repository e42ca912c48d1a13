import { afterAll, describe, expect, it } from '@jest/globals';
import { toInstant, verifyLease } from '@strongroom/control-plane-contract';
import { accessRequest, createFakeTpm, GOOD_PCRS, type ReleaseOptions, type SignedRelease } from '@strongroom/tests-fixtures';
import { ReleaserUnderTest } from './support/running-releaser.js';

let releaser: ReleaserUnderTest;
let shared: ReleaserUnderTest | undefined;
const started: ReleaserUnderTest[] = [];
let label = 0;

async function start(options: Parameters<typeof ReleaserUnderTest.start>[0] = {}): Promise<ReleaserUnderTest> {
  const fresh = await ReleaserUnderTest.start(options);
  started.push(fresh);
  await fresh.enrol();
  return fresh;
}

/** A release just answered; at the one shared releaser unless the test changes what that believes. */
async function released(alone?: Parameters<typeof ReleaserUnderTest.start>[0], options: Partial<ReleaseOptions> = {}): Promise<SignedRelease> {
  releaser = alone === undefined ? (shared ??= await start()) : await start(alone);
  label += 1;
  const release = await releaser.sign({ label: String(label), ...options });
  await releaser.client.call('release', release.body);
  return release;
}

afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
});

const state = async (release: SignedRelease) =>
  (await releaser.rows<{ state: string; ended_reason: string | null; sequence: number }>('SELECT state, ended_reason, sequence FROM release WHERE release_id = $1', [release.body.release_id]))[0];

describe('a renewal', () => {
  it('gives the next lease, again and again, on fresh evidence', async () => {
    const release = await released();
    for (const sequence of [1, 2, 3]) {
      releaser.clock.advance(4);
      const { lease } = await releaser.client.call('renew', await releaser.renewal(release));
      const { value } = verifyLease(lease, releaser.world.anchors.value, {
        releaseId: release.body.release_id,
        requestDigest: release.statement.request_digest,
        node: releaser.world.nodeId,
        akName: releaser.world.node.akName,
        nonce: release.body.lease_nonce,
        minimumSequence: sequence,
        now: releaser.clock.now(),
      });
      expect(value).toMatchObject({ sequence, seconds: 6, renew_seconds: 2 });
    }
    expect(await releaser.rows('SELECT bytes FROM ledger WHERE release_id = $1', [release.body.release_id])).toEqual([{ bytes: '10000' }]);
  });

  it('is refused for a release nobody made, or that was never answered', async () => {
    const release = await released();
    const renewal = await releaser.renewal(release);
    expect(await releaser.client.codeOf('renew', { ...renewal, release_id: releaser.world.seed.uuid('none') })).toBe('release-unknown');
  });

  it('is refused once the lease has lapsed, and ends the release', async () => {
    const release = await released();
    releaser.clock.advance(6);
    const renewal = await releaser.renewal(release);
    expect(await releaser.client.codeOf('renew', renewal)).toBe('release-not-active');
    expect(await state(release)).toMatchObject({ state: 'ended', ended_reason: 'lapsed' });
    expect(await releaser.client.codeOf('renew', renewal)).toBe('release-not-active');
  });

  it('is refused past the end of the request', async () => {
    const { world, clock } = (releaser = shared ??= await start());
    const request = { ...accessRequest(world, { label: 'short' }), not_after: toInstant(new Date(clock.now().getTime() + 8_000)) };
    const release = await released(undefined, { request });
    clock.advance(4);
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('answered');
    clock.advance(5);
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('release-not-active');
    expect(await state(release)).toMatchObject({ state: 'ended', ended_reason: 'expired' });
  });

  it.each<[string, Parameters<ReleaserUnderTest['renewal']>[1]]>([
    ['another measurement', { pcrs: [{ bank: 'sha256', values: { ...GOOD_PCRS[0]?.values, '7': 'cc'.repeat(32) } }] }],
    ['no measurement', { pcrs: [] }],
    ['evidence for a release', { change: (value) => ({ ...value, purpose: 'release' }) }],
    ['evidence over another transport key', { change: (value) => ({ ...value, transportKeyDigest: `sha256:${'00'.repeat(32)}` }) }],
    ['evidence over another mTLS key', { change: (value) => ({ ...value, mtlsKeyDigest: `sha256:${'00'.repeat(32)}` }) }],
    ['evidence over another nonce', { change: (value) => ({ ...value, nonce: new Uint8Array(32) }) }],
  ])('with %s is refused, and ends the release for good', async (_, options) => {
    const release = await released();
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release, options))).toBe('evidence-not-affirming');
    expect(await state(release)).toMatchObject({ state: 'ended', ended_reason: 'evidence' });
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('release-not-active');
  });

  it('is refused under a nonce that is used, expired, for a release or unknown; the release goes on', async () => {
    const release = await released();
    const renewal = await releaser.renewal(release);
    await releaser.client.call('renew', renewal);
    expect(await releaser.client.codeOf('renew', renewal)).toBe('nonce-used');
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release, { nonce: await releaser.challenge('release') }))).toBe('nonce-purpose');
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release, { nonce: release.body.lease_nonce }))).toBe('nonce-unknown');
    expect(await state(release)).toMatchObject({ state: 'answered', sequence: 1 });
  });

  it('is refused with an enclave document that is unsigned, of another enclave, or older than one seen', async () => {
    const release = await released({});
    const { world } = releaser;
    const renewal = await releaser.renewal(release);
    expect(await releaser.client.codeOf('renew', { ...renewal, enclave: world.signEnclave((value) => value, world.keys.policySigners.slice(1)) as never })).toBe('statement-signature');
    expect(await releaser.client.codeOf('renew', { ...renewal, enclave: world.signEnclave((value) => ({ ...value, enclave: { ...value.enclave, id: 'annex' } })) as never })).toBe('release-conflict');
    const next = world.signEnclave((value) => ({ ...value, version: 2, enclave: { ...value.enclave, version: 2 } }));
    expect(await releaser.client.codeOf('renew', { ...renewal, enclave: next as never })).toBe('answered');
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('statement-rolled-back');
  });

  it('is refused once the enclave no longer accepts the environment', async () => {
    const release = await released({});
    const tightened = releaser.world.signEnclave((value) => ({ ...value, version: 2, enclave: { ...value.enclave, version: 2, environments: value.enclave.environments.map((e) => ({ ...e, pcrs: { '0': 'dd'.repeat(32) } })) } }));
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release, { enclave: tightened }))).toBe('evidence-not-affirming');
  });

  it('is refused once the node was enrolled anew', async () => {
    const release = await released({});
    await releaser.enrol({ mtlsKeyDigest: `sha256:${'11'.repeat(32)}` });
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('node-not-bound');
  });

  it('is refused after a reboot, and by a clock that cannot be trusted', async () => {
    const release = await released({ node: await createFakeTpm() });
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release))).toBe('answered');
    expect(await releaser.client.codeOf('renew', await releaser.renewal(release, { attest: { resetCount: 3 } }))).toBe('evidence-not-affirming');
    expect(await state(release)).toMatchObject({ state: 'ended', ended_reason: 'evidence' });
  });

  it('counts one of two concurrent renewals under one nonce', async () => {
    const release = await released();
    const renewal = await releaser.renewal(release);
    const codes = await Promise.all([releaser.client.codeOf('renew', renewal), releaser.client.codeOf('renew', renewal)]);
    expect([...codes].sort()).toEqual(['answered', 'nonce-used']);
  });
});

describe('evidence of an earlier boot', () => {
  it('is refused for a release once a later boot was seen', async () => {
    releaser = await start({ node: await createFakeTpm() });
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'a', attest: { resetCount: 5 } })).body)).toBe('answered');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'b', attest: { resetCount: 4 } })).body)).toBe('evidence-not-affirming');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'c', attest: { resetCount: 6 } })).body)).toBe('answered');
  });

  it('is refused where the log calls a simulated TPM hardware', async () => {
    releaser = await start({ node: await createFakeTpm() });
    const release = await releaser.sign({ change: { statement: (value) => ({ ...value, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), hardware: true } } }) } });
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-input-mismatch');
  });
});
