import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { verifyLease } from '@strongroom/control-plane-contract';
import { accessRequest, approvalsOf, createFakeTpm, type SignedRelease } from '@strongroom/tests-fixtures';
import { ReleaserUnderTest } from './support/running-releaser.js';

let releaser: ReleaserUnderTest;

async function start(options: Parameters<typeof ReleaserUnderTest.start>[0] = {}): Promise<void> {
  releaser = await ReleaserUnderTest.start(options);
  await releaser.enrol();
}

afterEach(async () => {
  await releaser.stop();
});

function leaseExpectations(release: SignedRelease, nonce = release.body.lease_nonce) {
  return {
    releaseId: release.body.release_id,
    requestDigest: release.statement.request_digest,
    node: releaser.world.nodeId,
    akName: releaser.world.node.akName,
    nonce,
    minimumSequence: 0,
    now: releaser.clock.now(),
  };
}

describe('a release', () => {
  it.each(['software', 'tpm2'] as const)('gives an enrolled %s node the keys it asked for, sealed to its transport key, with a lease', async (kind) => {
    await start(kind === 'tpm2' ? { node: await createFakeTpm() } : {});
    const release = await releaser.sign();
    const answer = await releaser.client.call('release', release.body);
    expect(await releaser.open(release, answer)).toEqual(releaser.world.shardKeys);
    const { value } = verifyLease(answer.lease, releaser.world.anchors.value, leaseExpectations(release));
    expect(value).toMatchObject({ sequence: 0, seconds: 6, renew_seconds: 2, not_after: release.statement.lease.not_after });
    expect(await releaser.counts()).toEqual({ releases: 1, debited: 10_000, used: 1 });
  });

  it('releases only the shards that were granted', async () => {
    await start();
    const release = await releaser.sign({ shards: [1] });
    const answer = await releaser.client.call('release', release.body);
    expect(answer.keys.map(({ shard }) => shard)).toEqual([1]);
    expect(await releaser.open(release, answer)).toEqual([releaser.world.shardKeys[1]]);
    expect(await releaser.counts()).toMatchObject({ debited: 6_000 });
  });

  it('writes no key, nonce, evidence or lease to its log', async () => {
    await start();
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    const log = releaser.logLines.join('\n');
    expect(log).toContain('answered');
    for (const secret of [release.body.nonce, release.body.lease_nonce, release.body.transport_key, ...releaser.world.shardKeys.map((key) => Buffer.from(key).toString('base64url'))]) {
      expect(log).not.toContain(secret);
    }
  });
});

describe('a retry', () => {
  beforeEach(() => start());

  it('is served again and counts nothing twice, even when its nonce has expired meanwhile', async () => {
    const nonce = await releaser.challenge('release');
    releaser.clock.advance(55);
    const release = await releaser.sign({ nonce });
    const first = await releaser.client.call('release', release.body);
    releaser.clock.advance(5);
    const second = await releaser.client.call('release', release.body);
    expect(await releaser.open(release, second)).toEqual(await releaser.open(release, first));
    expect(await releaser.counts()).toEqual({ releases: 1, debited: 10_000, used: 1 });
  });

  it('never lengthens the first lease', async () => {
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    releaser.clock.advance(4);
    const { lease } = await releaser.client.call('release', { ...release.body, lease_nonce: release.body.nonce });
    expect(verifyLease(lease, releaser.world.anchors.value, leaseExpectations(release, release.body.nonce)).value).toMatchObject({ sequence: 0, seconds: 2, renew_seconds: 2 });
    releaser.clock.advance(2);
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-not-active');
  });

  it('is refused once the release was renewed', async () => {
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    await releaser.client.call('renew', await releaser.renewal(release));
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-not-active');
  });

  it('is refused with another transport key, other evidence or another entry', async () => {
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    // The same release id, honestly made anew: fresh nonce, fresh evidence, fresh key, logged again.
    const again = await releaser.sign();
    expect(again.body.release_id).toBe(release.body.release_id);
    expect(await releaser.client.codeOf('release', again.body)).toBe('release-conflict');
    // The first nonce with what the second made: the nonce is used for this release id, the rest is not its.
    expect(await releaser.client.codeOf('release', { ...again.body, nonce: release.body.nonce })).toBe('release-conflict');
    expect(await releaser.counts()).toEqual({ releases: 1, debited: 10_000, used: 1 });
  });

  it('is refused once revoked', async () => {
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    await releaser.client.call('revoke', { kind: 'release', id: release.body.release_id, reason: 'test' });
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-revoked');
  });

  it('is refused when the logged decision has grown too old', async () => {
    const release = await releaser.sign();
    releaser.clock.advance(59);
    await releaser.client.call('release', release.body);
    releaser.clock.advance(2);
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-stale');
  });
});

describe('uses and budget', () => {
  it('refuses one use more than was approved, by its own count', async () => {
    await start();
    const request = accessRequest(releaser.world, { maxUses: 2 });
    const codes: string[] = [];
    for (const label of ['a', 'b', 'c']) codes.push(await releaser.client.codeOf('release', (await releaser.sign({ request, label })).body));
    expect(codes).toEqual(['answered', 'answered', 'release-uses-exhausted']);
    expect(await releaser.counts()).toMatchObject({ releases: 2, debited: 20_000 });
  });

  it('refuses bytes beyond the smaller cap, by its own ledger, whatever the logged input says', async () => {
    await start({ change: { enclave: (document) => ({ ...document, enclave: { ...document.enclave, budgets: [{ route: 'release', window_seconds: 60, relative_cap: { numerator: 2, denominator: 1 }, absolute_cap_bytes: 1_000_000 }] } }) } });
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'a' })).body)).toBe('answered');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'b', shards: [1] })).body)).toBe('answered');
    // 16,000 of 20,000 are gone; the server's input claims that nothing is.
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'c', shards: [1], facts: { usedBytes: 0 } })).body)).toBe('release-budget');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'd', shards: [0] })).body)).toBe('answered');
    releaser.clock.advance(61);
    expect(await releaser.client.codeOf('release', (await releaser.sign({ label: 'e', shards: [0] })).body)).toBe('answered');
  });

  it('lets exactly as many of many concurrent releases through as there is room for', async () => {
    await start({ change: { enclave: (document) => ({ ...document, enclave: { ...document.enclave, budgets: [{ route: 'release', window_seconds: 86_400, relative_cap: { numerator: 3, denominator: 1 }, absolute_cap_bytes: 1_000_000 }] } }) } });
    const request = accessRequest(releaser.world, { maxUses: 100 });
    const releases: SignedRelease[] = [];
    for (let label = 0; label < 20; label += 1) releases.push(await releaser.sign({ request, label: String(label) }));
    // Proven under one checkpoint, so that only the budget tells them apart.
    const bodies = await Promise.all(releases.map(async ({ body, releaseIndex }) => proveAgain(body, releaseIndex)));
    const codes = await Promise.all(bodies.map((body) => releaser.client.codeOf('release', body)));
    expect(codes.filter((code) => code === 'answered')).toHaveLength(3);
    expect(codes.filter((code) => code === 'release-budget')).toHaveLength(17);
    expect(await releaser.counts()).toEqual({ releases: 3, debited: 30_000, used: 3 });
  });

  it('lets exactly as many of many concurrent releases through as there are uses', async () => {
    await start();
    const request = accessRequest(releaser.world, { maxUses: 3 });
    const releases: SignedRelease[] = [];
    for (let label = 0; label < 10; label += 1) releases.push(await releaser.sign({ request, label: String(label), shards: [0, 1] }));
    const bodies = await Promise.all(releases.map(async ({ body, releaseIndex }) => proveAgain(body, releaseIndex)));
    const codes = await Promise.all(bodies.map((body) => releaser.client.codeOf('release', body)));
    expect(codes.filter((code) => code === 'answered')).toHaveLength(3);
    expect(codes.filter((code) => code === 'release-uses-exhausted')).toHaveLength(7);
  });

  it('counts one of two concurrent releases under one nonce', async () => {
    await start();
    const nonce = await releaser.challenge('release');
    const request = accessRequest(releaser.world);
    const pair = [await releaser.sign({ nonce, request, label: 'a' }), await releaser.sign({ nonce, request, label: 'b' })];
    const bodies = await Promise.all(pair.map(async ({ body, releaseIndex }) => proveAgain(body, releaseIndex)));
    const codes = await Promise.all(bodies.map((body) => releaser.client.codeOf('release', body)));
    expect([...codes].sort()).toEqual(['answered', 'nonce-used']);
    expect(await releaser.counts()).toEqual({ releases: 1, debited: 10_000, used: 1 });
  });

  async function proveAgain(body: SignedRelease['body'], index: bigint): Promise<SignedRelease['body']> {
    const { log, manifestIndex } = releaser.world;
    return { ...body, material: { ...body.material, manifest_entry: await log.prove(manifestIndex), release_entry: await log.prove(index) } };
  }
});

describe('revocation', () => {
  beforeEach(() => start());

  it.each(['request', 'release', 'node', 'asset'] as const)('of a %s refuses a release that has every proof, for good', async (kind) => {
    const release = await releaser.sign();
    const { request } = release.body.material;
    const id = { request: request.id, release: release.body.release_id, node: request.node, asset: request.asset }[kind];
    expect(await releaser.client.call('revoke', { kind, id, reason: 'suspected theft' })).toEqual({ revoked: true });
    expect(await releaser.client.call('revoke', { kind, id, reason: 'said twice' })).toEqual({ revoked: true });
    expect(await releaser.client.codeOf('release', release.body)).toBe('release-revoked');
    expect(await releaser.counts()).toEqual({ releases: 0, debited: 0, used: 0 });
    expect(await releaser.rows('SELECT kind, reason FROM revocation')).toEqual([{ kind, reason: 'suspected theft' }]);
  });

  it.each(['request', 'release', 'node', 'asset'] as const)('of a %s ends its lease', async (kind) => {
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    const renewal = await releaser.renewal(release);
    const { request } = release.body.material;
    const id = { request: request.id, release: release.body.release_id, node: request.node, asset: request.asset }[kind];
    await releaser.client.call('revoke', { kind, id, reason: 'test' });
    expect(await releaser.client.codeOf('renew', renewal)).toBe('release-revoked');
    expect(await releaser.rows('SELECT state, ended_reason FROM release')).toEqual([{ state: 'ended', ended_reason: 'revoked' }]);
  });

  it('of something else touches nothing', async () => {
    const release = await releaser.sign();
    await releaser.client.call('revoke', { kind: 'request', id: releaser.world.seed.uuid('another request'), reason: 'test' });
    expect(await releaser.client.codeOf('release', release.body)).toBe('answered');
  });

  it('cannot be taken back in the database either', async () => {
    await releaser.client.call('revoke', { kind: 'node', id: releaser.world.nodeId, reason: 'test' });
    await expect(releaser.rows('DELETE FROM revocation')).rejects.toThrow(/never changed/);
    await releaser.client.call('revoke', { kind: 'asset', id: releaser.world.seed.uuid('asset'), reason: 'test' });
    await expect(releaser.rows('TRUNCATE ledger')).rejects.toThrow(/never changed/);
  });
});

describe('the approvals of another release', () => {
  it('serve none but the request they were given for', async () => {
    await start();
    const other = accessRequest(releaser.world, { label: 'other' });
    const release = await releaser.sign({ change: { material: (material) => ({ ...material, approvals: approvalsOf(releaser.world, other) }) } });
    expect(await releaser.client.codeOf('release', release.body)).toBe('approval-other-request');
  });
});
