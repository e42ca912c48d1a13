import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiskLogStorage, parseVkey, verifyCheckpoint, verifyLogFolder } from '@strongroom/attestation-tlog';
import { parseCanonicalJson } from '@strongroom/attestation-encoding';
import { LEASE, releaseAnswerSchema, verifyStatement, type AccessRequest } from '@strongroom/control-plane-contract';
import { GOOD_PCRS } from '@strongroom/tests-fixtures';
import { ok } from './support/people.js';
import { ServerUnderTest } from './support/server-under-test.js';
import { serverRoster } from './support/server-world.js';
import type { ReleaseAttempt, TestNode } from './support/test-node.js';

let server: ServerUnderTest;
beforeAll(async () => {
  server = await ServerUnderTest.start();
});
afterAll(async () => {
  await server?.stop();
});

describe('the main job, over the production routes alone', () => {
  let node: TestNode;
  let request: AccessRequest;
  let attempt: ReleaseAttempt;

  it('boots with every domain', () => {
    expect(server.application.routes.length).toBeGreaterThan(30);
  });

  it('puts roster, policy and enclave in force, each in the log', async () => {
    const { world } = server;
    const roster = await ok(server.ask({ path: '/v1/rosters', body: { envelope: serverRoster(world) } }));
    expect(roster.json).toMatchObject({ kind: 'roster', subject: 'acme', version: 1, log_index: expect.stringMatching(/^[1-9]\d*$/) as unknown });
    const policy = await ok(server.as('policySigner', { path: '/v1/policies', body: { envelope: world.signPolicy() } }));
    expect(policy.json).toMatchObject({ kind: 'policy', version: 1 });
    const enclave = await ok(server.as('platform', { path: '/v1/enclaves', body: { envelope: world.signEnclave() } }));
    expect(enclave.json).toMatchObject({ kind: 'enclave', subject: 'vault' });
    const documents = await ok(server.ask({ path: '/v1/documents' }));
    expect(documents.json.enclaves).toHaveLength(1);
    expect(documents.json.genesis).toEqual(world.genesis.envelope);
  });

  it('registers and enrols a node, and appraises it', async () => {
    const registered = await ok(server.as('platform', { path: '/v1/nodes', body: { envelope: server.world.signRegistration() } }));
    expect(registered.json).toMatchObject({ state: 'registered', ak_name: null });
    node = await server.node();
    const enrolled = await ok(node.enrol());
    expect(enrolled.json.spiffe_id).toBe(`spiffe://strongroom.test/acme/node/${server.world.nodeId}`);
    expect((await ok(server.as('platform', { path: `/v1/nodes/${node.id}` }))).json).toMatchObject({ state: 'enrolled', ak_name: node.machine.akName });
    const attested = await ok(node.attest());
    expect(attested.json).toMatchObject({ status: 'affirming', reasons: [] });
    const bad = await ok(node.attest([{ ...GOOD_PCRS[0], bank: 'sha256', values: { '0': 'cc'.repeat(32), '7': 'bb'.repeat(32) } }]));
    expect(bad.json.status).toBe('contraindicated');
  });

  it('registers an asset, once however often it is asked', async () => {
    const body = { manifest: server.world.signManifest(), wrapped_keys: server.world.wrappedKeys };
    const asset = await ok(server.as('custodian', { path: '/v1/assets', body }));
    expect(asset.json).toMatchObject({ state: 'registered', version: 1, bytes: 10_000 });
    expect((await ok(server.as('custodian', { path: '/v1/assets', body }))).json.log_index).toBe(asset.json.log_index);
    expect((await ok(server.as('auditor', { path: '/v1/assets' }))).json).toHaveLength(1);
  });

  it('takes a request and, on the approval host, two approvals', async () => {
    const created = await ok(server.as('requester', { path: '/v1/requests', body: server.wish() }));
    request = created.json.request as AccessRequest;
    expect(created.json).toMatchObject({ state: 'awaiting_approvals', uses: 0, digest: server.digestOf(request) });
    expect(created.json.missing).toEqual([{ factor: 'owner', count: 1 }, { factor: 'security', count: 1 }]);
    const first = await ok(server.sendVote('owner', request));
    expect(first.json).toMatchObject({ state: 'awaiting_approvals', missing: [{ factor: 'security', count: 1 }] });
    const second = await ok(server.sendVote('security', request));
    expect(second.json).toMatchObject({ state: 'approved', missing: [] });
    const granted = await ok(node.ask({ path: '/v1/node/requests' }));
    expect(granted.json).toMatchObject([{ request: { id: request.id }, state: 'approved' }]);
  });

  it('releases keys that the node itself judges good', async () => {
    attempt = await node.attempt(request.id);
    const released = await ok(node.send(attempt));
    const answer = releaseAnswerSchema.parse(released.json);
    const keys = await node.open(attempt, answer);
    expect([...keys]).toEqual(server.world.shardKeys.map((key, shard) => [shard, key]));
    const lease = verifyStatement(LEASE, answer.lease, [server.world.anchors.value.releaser], 1).value;
    expect(lease).toMatchObject({ release_id: attempt.body.release_id, sequence: 0, seconds: 6 });
  });

  it('serves the same release again, and debits it once', async () => {
    const again = releaseAnswerSchema.parse((await ok(node.send(attempt))).json);
    expect((await node.open(attempt, again)).size).toBe(2);
    const budget = await ok(server.as('auditor', { path: `/v1/assets/${request.asset}/budget` }));
    expect(budget.json).toEqual({ asset: request.asset, route: 'release', window_seconds: 86_400, used_bytes: 10_000, cap_bytes: 1_000_000 });
    expect((await ok(server.as('auditor', { path: `/v1/requests/${request.id}` }))).json).toMatchObject({ state: 'active', uses: 1 });
  });

  it('renews the lease until the request is revoked', async () => {
    server.clock.advance(2);
    const renewed = await ok(node.renew(attempt));
    expect(verifyStatement(LEASE, renewed.json.lease, [server.world.anchors.value.releaser], 1).value).toMatchObject({ sequence: 1 });
    const releases = await ok(server.as('auditor', { path: `/v1/requests/${request.id}/releases` }));
    expect(releases.json).toMatchObject([{ id: attempt.body.release_id, state: 'released', bytes: 10_000, ended: null }]);
    await ok(server.as('security', { path: `/v1/requests/${request.id}/revocation`, body: { reason: 'drill' } }));
    const refused = await node.renew(attempt);
    expect([refused.status, refused.json.code]).toEqual([403, 'release-refused']);
    const denied = await node.send(await node.attempt(request.id));
    expect([denied.status, denied.json.code]).toEqual([409, 'conflict']);
  });

  it('notes that the node wiped, once', async () => {
    const wipe = { path: `/v1/node/releases/${attempt.body.release_id}/wipe`, body: { reason: 'revoked', wiped_at: request.not_before } };
    expect((await ok(node.ask(wipe))).json).toMatchObject({ state: 'ended', ended: { reason: 'revoked' } });
    const entries = async () => (await server.rows<{ n: string }>(`SELECT count(*) AS n FROM audit_chain_entry WHERE chain_uid = $1`, [`request/${request.id}`]))[0]?.n;
    const before = await entries();
    await ok(node.ask(wipe));
    expect(await entries()).toBe(before);
  });

  it('leaves a log that verifies from its files, with every statement in it', async () => {
    const storage = new DiskLogStorage(server.installation.logFolder);
    const { log } = server.world.anchors.value;
    const checkpoint = verifyCheckpoint((await storage.read('checkpoint')) ?? new Uint8Array(), { origin: log.origin, log: parseVkey(log.vkey) });
    const statements: string[] = [];
    await verifyLogFolder((path) => storage.read(path), checkpoint, {
      onEntry: ({ bytes }) => {
        const { unmapped, metadata } = parseCanonicalJson(bytes, 65_535) as { unmapped?: { strongroom?: { type: string; kind?: string } }; metadata: { version: string } };
        expect(metadata.version).toBe('1.8.0');
        const statement = unmapped?.strongroom;
        if (statement !== undefined) statements.push([statement.type, statement.kind].filter(Boolean).join(' '));
      },
    });
    expect(statements).toEqual([
      'strongroom/log/genesis/v1',
      'strongroom/log/document/v1 roster',
      'strongroom/log/document/v1 policy',
      'strongroom/log/document/v1 enclave',
      'strongroom/log/document/v1 node-registration',
      'strongroom/log/document/v1 node-binding',
      'strongroom/log/manifest/v1',
      'strongroom/log/release/v1',
    ]);
  });

  it('wrote no token, assertion, key or nonce to its own log', () => {
    const written = server.lines.join('\n');
    const secrets = [attempt.body.transport_key, attempt.body.nonce, ...server.world.shardKeys.map((key) => Buffer.from(key).toString('base64url'))];
    for (const secret of secrets) expect(written).not.toContain(secret);
    expect(written).not.toMatch(/Bearer|eyJ|BEGIN/);
  });
});
