import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toSignerKey } from '@strongroom/control-plane-contract';
import { createSoftwareNode } from '@strongroom/tests-fixtures';
import { askSample, pathOf, routeSamples, type RouteSample, type SampleWorld } from './support/route-samples.js';
import { ok } from './support/people.js';
import { ServerUnderTest } from './support/server-under-test.js';
import { ROLES, serverRoster, signInAssertion, signInKey, type PersonName } from './support/server-world.js';
import { tableCounts } from './support/table-counts.js';
import { type TestNode } from './support/test-node.js';

let world: SampleWorld;
let samples: readonly RouteSample[];
let server: ServerUnderTest;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  const node = await server.prepare();
  const used = await server.approvedRequest();
  const attempt = await node.attempt(used.id);
  await ok(node.send(attempt));
  world = { server, node, request: await server.createRequest(), releaseId: attempt.body.release_id };
  samples = await routeSamples(world);
  for (const name of Object.keys(ROLES) as PersonName[]) await server.token(name);
});
afterAll(async () => {
  await server?.stop();
});

/** Who may do what to anything, written down here a second time: the policy's data must agree. */
const MAY: Readonly<Record<string, readonly PersonName[]>> = {
  'session.read': ['requester', 'owner', 'security', 'custodian', 'policySigner', 'platform', 'auditor'],
  'policy.register': ['policySigner'],
  'enclave.register': ['platform'],
  'node.register': ['platform', 'security'],
  'node.read': ['owner', 'security', 'custodian', 'policySigner', 'platform', 'auditor', 'stranger'],
  'asset.register': ['custodian', 'platform'],
  'asset.read': ['requester', 'owner', 'security', 'custodian', 'policySigner', 'platform', 'auditor', 'stranger'],
  'budget.read': ['requester', 'owner', 'security', 'custodian', 'policySigner', 'platform', 'auditor'],
  'request.create': ['requester'],
  'request.read': ['requester', 'owner', 'security', 'auditor'],
  'request.withdraw': ['requester'],
  'request.approve': ['owner', 'security'],
  'request.revoke': ['security'],
  'audit.read': ['security', 'auditor'],
  'audit.export': ['auditor'],
};

const personRoutes = () => server.application.routes.filter(({ principal }) => principal === 'person');
const sampleOf = (method: string, path: string): RouteSample => samples.find(({ route }) => route === `${method} ${path}`) as RouteSample;

describe('a person', () => {
  it('without a session, or with one of nobody, reaches nothing', async () => {
    for (const { method, path } of personRoutes()) {
      const sample = sampleOf(method, path);
      const question = { method, path: pathOf(sample), ...(sample.host === undefined ? {} : { host: sample.host }), body: sample.body };
      const without = await server.ask(question);
      expect([path, without.status, without.json.code]).toEqual([path, 401, 'authentication-required']);
      const wrong = await server.ask({ ...question, token: 'A'.repeat(43) });
      expect([path, wrong.status, wrong.json.code]).toEqual([path, 401, 'authentication-failed']);
    }
  });

  it('of another role is refused everywhere, and nothing is written', async () => {
    const before = await tableCounts(server);
    for (const { method, path, action } of personRoutes()) {
      const allowed = MAY[action];
      expect([action, allowed]).not.toEqual([action, undefined]);
      const sample = sampleOf(method, path);
      for (const name of (Object.keys(ROLES) as PersonName[]).filter((one) => allowed?.includes(one) !== true)) {
        const answer = await askSample(world, { ...sample, by: name });
        expect([path, name, answer.status, answer.json.code]).toEqual([path, name, 403, 'access-denied']);
        expect(answer.json.reasons.length).toBeGreaterThan(0);
      }
    }
    expect(await tableCounts(server)).toEqual(before);
  });

  it('of the right role may read what that role reads', async () => {
    for (const { method, path, action } of personRoutes().filter((route) => route.method === 'GET' && !route.path.startsWith('/v1/audit'))) {
      for (const name of MAY[action] ?? []) {
        const answer = await askSample(world, { ...sampleOf(method, path), by: name });
        expect([path, name, answer.status]).toEqual([path, name, 200]);
      }
    }
  });

  it('sees as a requester what they asked for, and nothing of others', async () => {
    const mine = await ok(server.as('requester', { path: '/v1/requests' }));
    expect(mine.json.every(({ request }: { request: { requested_by: string } }) => request.requested_by === server.personId('requester'))).toBe(true);
    expect(mine.json.length).toBeGreaterThan(0);
    expect((await ok(server.as('auditor', { path: '/v1/requests' }))).json.length).toBeGreaterThanOrEqual(mine.json.length);
  });

  it('never votes on their own request, whatever factor they hold', async () => {
    const answer = await server.sendVote('requester', world.request);
    expect([answer.status, answer.json.code]).toEqual([403, 'access-denied']);
  });

  it('never gives another person\'s vote', async () => {
    const answer = await server.sendVote('security', world.request, server.vote('owner', world.request));
    expect([answer.status, answer.json.code]).toEqual([403, 'approval-refused']);
  });

  it('finds each route on its own surface alone', async () => {
    for (const { method, path, surfaces } of server.application.routes) {
      const sample = sampleOf(method, path);
      for (const surface of (['people', 'approval', 'agents'] as const).filter((one) => !surfaces.includes(one))) {
        const question = { method, path: pathOf(sample), body: sample.body };
        const answer = surface === 'agents' ? await world.node.ask(question) : await server.ask({ ...question, host: surface === 'approval' ? 'approve.localhost' : 'localhost', token: await server.token('security') });
        expect([path, surface, answer.status, answer.json.code]).toEqual([path, surface, 404, 'route-unknown']);
      }
    }
  });
});

describe('a session', () => {
  const current = { path: '/v1/sessions/current' };
  const day = 86_400;
  const seconds = () => Math.floor(server.clock.now().getTime() / 1000);

  it.each<[string, () => Parameters<ServerUnderTest['signIn']>[1]]>([
    ['another audience', () => ({ claims: { aud: 'http://elsewhere' } })],
    ['no audience', () => ({ claims: { aud: undefined } })],
    ['another issuer', () => ({ claims: { iss: server.personId('owner') } })],
    ['an unknown subject', () => ({ claims: { sub: server.world.seed.uuid('nobody') } })],
    ['an expired claim', () => ({ claims: { iat: seconds() - day, exp: seconds() - day + 60 } })],
    ['a claim from the future', () => ({ claims: { iat: seconds() + day, exp: seconds() + day + 60 } })],
    ['a long life', () => ({ claims: { exp: seconds() + day } })],
    ['no end', () => ({ claims: { exp: undefined } })],
    ['no id', () => ({ claims: { jti: undefined } })],
    ['a short id', () => ({ claims: { jti: 'x' } })],
    ['another type', () => ({ header: { typ: 'at+jwt' } })],
    ['no algorithm', () => ({ header: { alg: 'none' } })],
    ['an algorithm of symmetric keys', () => ({ header: { alg: 'HS256' } })],
    ['another person\'s key id', () => ({ header: { kid: toSignerKey(generateKeyPairSync('ed25519').publicKey).keyid } })],
    ['another key', () => ({ key: signInKey(server.world, 'owner') })],
  ])('is not opened by an assertion with %s', async (_, knobs) => {
    const answer = await server.signIn('auditor', knobs());
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([401, 'authentication-failed', 'The credential was not accepted']);
  });

  it('is opened once by each assertion, also of two at once', async () => {
    const assertion = signInAssertion(server.world, 'auditor');
    const answers = await Promise.all([1, 2, 3, 4].map(() => server.ask({ path: '/v1/sessions', body: { assertion } })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401]);
  });

  it('ends when its person says so', async () => {
    const { token } = (await ok(server.signIn('auditor'))).json as { token: string };
    await ok(server.ask({ ...current, token }));
    expect((await server.ask({ ...current, token, method: 'DELETE' })).status).toBe(204);
    expect((await server.ask({ ...current, token })).json.code).toBe('authentication-failed');
  });

  it('ends by itself', async () => {
    const { token } = (await ok(server.signIn('auditor'))).json as { token: string };
    server.clock.advance(15 * 60 - 1);
    await ok(server.ask({ ...current, token }));
    server.clock.advance(1);
    expect((await server.ask({ ...current, token })).json.code).toBe('authentication-failed');
    server.forgetSessions();
  });

  it('ends with the oldest, where a person has too many', async () => {
    const tokens: string[] = [];
    for (let n = 0; n < 9; n++) tokens.push(((await ok(server.signIn('custodian'))).json as { token: string }).token);
    expect((await server.ask({ ...current, token: tokens[0] })).status).toBe(401);
    expect((await server.ask({ ...current, token: tokens[8] })).status).toBe(200);
  });

  it('ends with a roster that does not name its key, or not its role', async () => {
    const { token } = (await ok(server.signIn('custodian'))).json as { token: string };
    const stronger = generateKeyPairSync('ed25519').publicKey;
    const next = serverRoster(server.world, (roster) => ({
      ...roster,
      version: 2,
      people: roster.people.map((person) => (person.id === server.personId('custodian') ? { ...person, sign_in_keys: [toSignerKey(stronger)] } : person.id === server.personId('platform') ? { ...person, roles: ['auditor'] } : person)),
    }));
    const platform = await server.token('platform');
    await ok(server.ask({ path: '/v1/rosters', body: { envelope: next } }));
    expect((await server.ask({ ...current, token })).json.code).toBe('authentication-failed');
    expect((await server.ask({ path: '/v1/enclaves', token: platform, body: { envelope: server.world.signEnclave() } })).json.code).toBe('access-denied');
    // The older roster does not come back.
    const back = await server.ask({ path: '/v1/rosters', body: { envelope: serverRoster(server.world) } });
    expect([back.status, back.json.code]).toEqual([409, 'conflict']);
  });
});

describe('a node', () => {
  const asked = { path: '/v1/node/requests' };

  it('without a certificate reaches nothing of nodes', async () => {
    for (const { method, path } of server.application.routes.filter(({ principal }) => principal === 'node')) {
      const sample = sampleOf(method, path);
      const answer = await world.node.ask({ method, path: pathOf(sample), body: sample.body }, '');
      expect([path, answer.status, answer.json.code]).toEqual([path, 401, 'authentication-required']);
    }
  });

  it('registers only as two registrars say, and one machine once', async () => {
    const one = server.world.signRegistration(undefined, [server.world.keys.registrars[0] as never]);
    expect((await server.as('security', { path: '/v1/nodes', body: { envelope: one } })).json.code).toBe('statement-refused');
    const twin = server.world.signRegistration((value) => ({ ...value, node: server.world.seed.uuid('twin') }));
    expect((await server.as('security', { path: '/v1/nodes', body: { envelope: twin } })).json.code).toBe('conflict');
  });

  it('sees nothing of another node\'s requests and releases', async () => {
    const other = await enrolOther('second machine');
    expect((await ok(other.ask(asked))).json).toEqual([]);
    const attempt = await other.attempt(world.request.id);
    const answers = [
      await other.send(attempt),
      await other.ask({ path: `/v1/node/releases/${world.releaseId}/wipe`, body: { reason: 'lapsed', wiped_at: world.request.not_before } }),
      await other.renew({ ...attempt, body: { ...attempt.body, release_id: world.releaseId } }),
    ];
    for (const answer of answers) expect([answer.status, answer.json.code]).toEqual([404, 'not-found']);
  });

  it('cannot use another node\'s nonce, nor one of another purpose, nor one twice', async () => {
    const other = await enrolOther('third machine');
    const attest = (node: TestNode, nonce: string) => node.ask({ path: '/v1/node/attestations', body: { nonce, transport_key: Buffer.alloc(32, 3).toString('base64url'), evidence: node.evidence('enrol', nonce, 'sha256:'.padEnd(71, '0')) } });
    expect((await attest(other, await world.node.challenge('enrol'))).json.code).toBe('nonce-refused');
    expect((await attest(other, await other.challenge('release'))).json.code).toBe('nonce-refused');
    const nonce = await other.challenge('enrol');
    await attest(other, nonce);
    expect((await attest(other, nonce)).json.code).toBe('nonce-refused');
    const late = await other.challenge('enrol');
    server.clock.advance(61);
    expect((await attest(other, late)).json.code).toBe('nonce-refused');
  });

  it('with an older certificate, after enrolling anew, is nobody', async () => {
    const old = world.node.certificate;
    await ok(world.node.enrol());
    expect((await world.node.ask(asked, old)).json.code).toBe('authentication-failed');
    await ok(world.node.ask(asked));
  });

  it('that was suspended is nobody at once, for good, and the releaser knows', async () => {
    const suspend = { path: `/v1/nodes/${world.node.id}/suspension`, body: { reason: 'stolen' } };
    await ok(server.as('security', suspend));
    expect((await world.node.ask(asked)).json.code).toBe('authentication-failed');
    expect((await world.node.beginEnrolment()).json.code).toBe('conflict');
    await ok(server.as('security', suspend));
  });

  async function enrolOther(label: string): Promise<TestNode> {
    const machine = createSoftwareNode(createPrivateKey(server.world.seed.p256(label).export({ format: 'pem', type: 'pkcs8' })));
    const id = server.world.seed.uuid(label);
    const envelope = server.world.signRegistration((value) => ({ ...value, node: id, hardware_id: machine.hardwareId }));
    await ok(server.as('security', { path: '/v1/nodes', body: { envelope } }));
    const other = await server.node({ id, machine });
    await ok(other.enrol());
    return other;
  }
});
