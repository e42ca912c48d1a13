import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { releaseAnswerSchema, toInstant } from '@strongroom/control-plane-contract';
import type { Answer } from './support/http-client.js';
import { releaseLedger } from './support/release-ledger.js';
import { ok } from './support/people.js';
import { ServerUnderTest } from './support/server-under-test.js';
import type { ServerInstallation } from './support/server-installation.js';
import { SlowPath } from './support/slow-path.js';
import type { TestNode } from './support/test-node.js';

let server: ServerUnderTest;
let node: TestNode;
// Room for three releases of all shards, and the few bytes more that a fourth would need.
const CAP = 39_999;

beforeAll(async () => {
  server = await ServerUnderTest.start({ capBytes: CAP });
  node = await server.prepare();
});
afterAll(async () => {
  await server?.stop();
});

const codes = (answers: readonly Answer[]): Record<string, number> => {
  const tally: Record<string, number> = {};
  for (const { status, json } of answers) tally[`${String(status)} ${status === 201 ? '' : String(json.code)}`.trim()] = (tally[`${String(status)} ${status === 201 ? '' : String(json.code)}`.trim()] ?? 0) + 1;
  return tally;
};
const stateOf = async (id: string): Promise<string> => (await ok(server.as('auditor', { path: `/v1/requests/${id}` }))).json.state as string;

describe('releases at once', () => {
  it('of one id are one release, answered to each who asked', async () => {
    const request = await server.approvedRequest({ shards: [0] });
    const attempt = await node.attempt(request.id);
    const answers = await Promise.all([1, 2, 3, 4].map(() => node.send(attempt)));
    expect(codes(answers)).toEqual({ '201': 4 });
    for (const answer of answers) expect([...(await node.open(attempt, releaseAnswerSchema.parse(answer.json))).values()]).toEqual([server.world.shardKeys[0]]);
    const ledger = await releaseLedger(server.installation);
    for (const ids of [ledger.serverDebits, ledger.releaser, ledger.releaserDebits, ledger.logged]) expect(ids.filter((id) => id === attempt.body.release_id)).toHaveLength(1);
    expect(ledger.uses[request.id]).toBe(1);
  });

  it('of one id with other evidence, key or request are refused', async () => {
    const request = await server.approvedRequest({ shards: [0] });
    const [one, two] = [await node.attempt(request.id), await node.attempt(request.id)];
    const answers = await Promise.all([node.send(one), node.send({ ...two, body: { ...two.body, release_id: one.body.release_id } })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const third = await node.attempt(request.id);
    for (const body of [{ ...one.body, evidence: third.body.evidence }, { ...one.body, transport_key: third.body.transport_key }]) {
      expect((await node.send({ ...one, body })).json.code).toBe('conflict');
    }
  });

  it('fit the budget on both sides, however many race for its last room', async () => {
    const before = await releaseLedger(server.installation);
    const room = Math.floor((CAP - before.server.length * 4000) / 10_000);
    expect(room).toBe(3);
    const request = await server.approvedRequest({ max_uses: 100 });
    const attempts = await Promise.all(Array.from({ length: 12 }, () => node.attempt(request.id)));
    const answers = await Promise.all(attempts.map((attempt) => node.send(attempt)));
    expect(codes(answers)).toEqual({ '201': 3, '403 budget-exceeded': 9 });
    const released = attempts.filter((_, index) => answers[index]?.status === 201).map(({ body }) => body.release_id).sort();
    const ledger = await releaseLedger(server.installation);
    const added = (ids: readonly string[], earlier: readonly string[]): string[] => ids.filter((id) => !earlier.includes(id));
    expect(added(ledger.serverDebits, before.serverDebits)).toEqual(released);
    expect(added(ledger.releaserDebits, before.releaserDebits)).toEqual(released);
    expect(added(ledger.logged, before.logged)).toEqual(released);
    expect(ledger.uses[request.id]).toBe(3);
    const budget = await ok(server.as('auditor', { path: `/v1/assets/${request.asset}/budget` }));
    expect(budget.json.used_bytes).toBe(before.server.length * 4000 + 30_000);
  });
});

describe('people at once', () => {
  it.each([1, 2, 3])('end a request denied, whoever else approved at that moment (%s)', async () => {
    const request = await server.createRequest();
    const denial = server.vote('security', request, (statement) => ({ ...statement, decision: 'deny' }));
    const answers = await Promise.all([server.sendVote('owner', request), server.sendVote('security', request, denial)]);
    expect([201, 409]).toContain(answers[0]?.status);
    expect(answers[1]?.status).toBe(201);
    expect(await stateOf(request.id)).toBe('denied');
    expect((await node.send(await node.attempt(request.id))).json.code).toBe('conflict');
  });

  it('count one vote of one person, sent twice', async () => {
    const request = await server.createRequest();
    const vote = server.vote('owner', request);
    const answers = await Promise.all([1, 2, 3].map(() => server.sendVote('owner', request, vote)));
    expect(codes(answers)).toEqual({ '201': 3 });
    expect((await ok(server.as('auditor', { path: `/v1/requests/${request.id}` }))).json.approvals).toHaveLength(1);
    const another = server.vote('owner', request, (statement) => ({ ...statement, nonce: Buffer.alloc(32, 1).toString('base64url') }));
    expect((await server.sendVote('owner', request, another)).json.code).toBe('conflict');
  });

  it('may deny what they approved, also once it is approved, and the releaser hears of it', async () => {
    const request = await server.approvedRequest({ shards: [0] });
    const denial = server.vote('owner', request, (statement) => ({ ...statement, decision: 'deny' }));
    expect((await ok(server.sendVote('owner', request, denial))).json).toMatchObject({ state: 'denied' });
    expect((await server.sendVote('security', request)).status).toBe(201);
    expect(await stateOf(request.id)).toBe('denied');
  });

  it('withdraw their own request, and nobody else\'s', async () => {
    const request = await server.approvedRequest();
    expect((await server.as('security', { method: 'DELETE', path: `/v1/requests/${request.id}` })).json.code).toBe('access-denied');
    expect((await ok(server.as('requester', { method: 'DELETE', path: `/v1/requests/${request.id}` }))).json).toMatchObject({ state: 'withdrawn' });
    expect((await node.send(await node.attempt(request.id))).json.code).toBe('conflict');
  });

  it('register one asset once', async () => {
    const body = { manifest: server.world.signManifest((value) => ({ ...value, version: 2 })), wrapped_keys: server.world.wrappedKeys };
    const answers = await Promise.all([1, 2, 3].map(() => server.as('custodian', { path: '/v1/assets', body })));
    expect(new Set(answers.map(({ json }) => String(json.log_index))).size).toBe(1);
  });
});

describe('a revocation at the moment of a release', () => {
  it.each([1, 2, 3])('leaves either no keys, or keys whose lease ends (%s)', async (round) => {
    server.clock.advance(86_401);
    server.forgetSessions();
    await ok(node.enrol());
    const request = await server.createRequest({ shards: [0] });
    for (const name of ['owner', 'security'] as const) await ok(server.sendVote(name, request));
    const attempt = await node.attempt(request.id);
    const revoke = async (): Promise<Answer> => {
      for (let n = 0; n < round; n++) await node.ask({ path: '/v1/node/requests' });
      return ok(server.as('security', { path: `/v1/requests/${request.id}/revocation`, body: { reason: 'race' } }));
    };
    const [released] = await Promise.all([node.send(attempt), revoke()]);
    expect([201, 403, 409]).toContain(released.status);
    expect(await stateOf(request.id)).toBe('revoked');
    const { logged, releaser } = await releaseLedger(server.installation);
    // Whatever the releaser did stands in the log.
    for (const id of releaser) expect(logged).toContain(id);
    expect([403, 404]).toContain((await node.renew(attempt)).status);
    expect([403, 409]).toContain((await node.send(attempt)).status);
  });
});

describe('time', () => {
  it('ends a request that nobody approved in time, and one whose window closed', async () => {
    const request = await server.createRequest({ shards: [0] });
    const approved = await server.approvedRequest({ shards: [0] });
    server.clock.advance(3001);
    server.forgetSessions();
    expect(await stateOf(request.id)).toBe('expired');
    expect((await server.sendVote('owner', request)).json.code).toBe('conflict');
    expect((await server.as('requester', { method: 'DELETE', path: `/v1/requests/${request.id}` })).json.code).toBe('conflict');
    expect(await stateOf(approved.id)).toBe('approved');
    server.clock.advance(600);
    server.forgetSessions();
    expect(await stateOf(approved.id)).toBe('expired');
    expect((await node.send(await node.attempt(approved.id))).json.code).toBe('conflict');
    expect((await ok(node.ask({ path: '/v1/node/requests' }))).json).toEqual([]);
  });

  it('leaves what names an expired manifest readable, and releases nothing of it', async () => {
    const hours = (n: number): string => toInstant(new Date(Date.now() + n * 3_600_000));
    const other = await ServerUnderTest.start({ seed: 'short manifest', change: { manifest: (manifest) => ({ ...manifest, expires_at: hours(2) }) } });
    try {
      const machine = await other.prepare();
      const request = await other.approvedRequest({ not_after: hours(4) });
      await ok(machine.send(await machine.attempt(request.id)));
      other.clock.advance(2 * 3600);
      other.forgetSessions();
      for (const path of ['/v1/requests', `/v1/requests/${request.id}`, '/v1/assets', `/v1/assets/${request.asset}`, `/v1/assets/${request.asset}/budget`]) await ok(other.as('auditor', { path }));
      expect((await ok(machine.ask({ path: '/v1/node/requests' }))).json).toHaveLength(1);
      expect((await machine.send(await machine.attempt(request.id))).json).toMatchObject({ code: 'statement-refused', reasons: [{ code: 'statement-expired' }] });
      expect((await other.as('requester', { path: '/v1/requests', body: other.wish() })).json.code).toBe('statement-refused');
      await ok(other.as('security', { path: `/v1/requests/${request.id}/revocation`, body: { reason: 'over' } }));
    } finally {
      await other.stop();
    }
  });
});

describe('many nodes\' worth of releases', () => {
  it('go through, though another, proven under a newer checkpoint, came to the releaser first', async () => {
    const path = (installation: ServerInstallation): string => join(installation.folder, 'slow.sock');
    const other = await ServerUnderTest.start({ seed: 'overtaken', configuration: (installation) => ({ keys: { releaserSocket: path(installation) } }) });
    const slow = new SlowPath(other.installation.socket);
    await slow.listen(path(other.installation));
    try {
      const machine = await other.prepare();
      const request = await other.approvedRequest({ shards: [0] });
      const [first, second] = [await machine.attempt(request.id), await machine.attempt(request.id)];
      const overtaken = machine.send(first);
      await slow.arrived;
      await ok(machine.send(second));
      slow.letGo();
      const answer = releaseAnswerSchema.parse((await ok(overtaken)).json);
      expect((await machine.open(first, answer)).size).toBe(1);
      expect(slow.outcomes).toEqual(['answered', 'log-rolled-back', 'answered']);
    } finally {
      await other.stop();
      await slow.close();
    }
  });

  it('all go through at once', async () => {
    const other = await ServerUnderTest.start({ seed: 'crowd' });
    try {
      const machine = await other.prepare();
      const request = await other.approvedRequest({ shards: [0], max_uses: 16 });
      const attempts = await Promise.all(Array.from({ length: 16 }, () => machine.attempt(request.id)));
      expect(codes(await Promise.all(attempts.map((attempt) => machine.send(attempt))))).toEqual({ '201': 16 });
      expect(await machine.send(await machine.attempt(request.id))).toMatchObject({ status: 409, json: { code: 'conflict' } });
      expect((await ok(other.as('auditor', { path: `/v1/requests/${request.id}` }))).json).toMatchObject({ state: 'used', uses: 16 });
      expect((await releaseLedger(other.installation)).logged).toHaveLength(16);
    } finally {
      await other.stop();
    }
  });
});

describe('without the releaser', () => {
  it('nothing is released, and the same attempt goes through once it is back', async () => {
    const other = await ServerUnderTest.start({ seed: 'alone' });
    try {
      const machine = await other.prepare();
      const request = await other.approvedRequest();
      const attempt = await machine.attempt(request.id);
      await other.stopReleaser();
      const down = await machine.send(attempt);
      expect([down.status, down.json.code]).toEqual([503, 'releaser-unavailable']);
      await other.startReleaser();
      expect((await machine.open(attempt, releaseAnswerSchema.parse((await ok(machine.send(attempt))).json))).size).toBe(2);
      await other.stopReleaser();
      const revoke = () => other.as('security', { path: `/v1/requests/${request.id}/revocation`, body: { reason: 'while away' } });
      expect((await revoke()).json.code).toBe('releaser-unavailable');
      // It holds here at once, and can be said again until the releaser has heard it.
      expect((await ok(other.as('auditor', { path: `/v1/requests/${request.id}` }))).json.state).toBe('revoked');
      await other.startReleaser();
      await ok(revoke());
      expect((await releaseLedger(other.installation)).uses[request.id]).toBe(1);
    } finally {
      await other.stop();
    }
  });
});
