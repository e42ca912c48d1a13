import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toBase64url } from '@strongroom/attestation-encoding';
import { createFakeTpm } from '@strongroom/tests-fixtures';
import { errorCodes } from '../src/platform/errors.js';
import type { Answer, Ask } from './support/http-client.js';
import { shapeFaults, type Mutation } from './support/mutations.js';
import { askSample, pathOf, routeSamples, type RouteSample, type SampleWorld } from './support/route-samples.js';
import { ok } from './support/people.js';
import { ServerUnderTest } from './support/server-under-test.js';
import { tableCounts } from './support/table-counts.js';

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
  // Everybody who will ask signs in now, so that signing in is not counted below.
  for (const { by } of samples) if (by !== 'node' && !by.startsWith('anyone')) await server.token(by as never);
});
afterAll(async () => {
  await server?.stop();
});

/** Asks with each fault, and says which were not refused as they must be: 4xx, a problem, a known code. */
async function notRefused(sample: RouteSample, questions: readonly { readonly name: string; readonly change: Partial<Ask> }[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, change } of questions) {
    const answer = await askSample(world, sample, change);
    if (!isProblem(answer)) wrong.push(`${name}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  return wrong;
}

function isProblem({ status, contentType, json }: Answer): boolean {
  return status >= 400 && status < 500 && contentType.startsWith('application/problem+json') && typeof json.code === 'string' && Object.hasOwn(errorCodes, json.code as string) && json.status === status;
}

/** Members that are free text: any string is good there. */
const FREE_TEXT = /^\/(reason|ticket) is "[^\\"]+"$/;
const faultsOf = (body: unknown): readonly Mutation[] => shapeFaults(body).filter(({ name }) => !FREE_TEXT.test(name));

const withBody = ['POST /v1/rosters', 'POST /v1/policies', 'POST /v1/enclaves', 'POST /v1/sessions', 'POST /v1/nodes', 'POST /v1/nodes/:node/suspension', 'POST /v1/enrolments', 'POST /v1/enrolments/:enrolment/activation', 'POST /v1/node/challenges', 'POST /v1/node/attestations', 'POST /v1/node/releases', 'POST /v1/node/releases/:release/renewals', 'POST /v1/node/releases/:release/wipe', 'POST /v1/assets', 'POST /v1/assets/:asset/revocation', 'POST /v1/requests', 'POST /v1/requests/:request/approvals', 'POST /v1/requests/:request/revocation'];

describe('bad input', () => {
  it('is tried on every route there is', () => {
    const routes = server.application.routes.map(({ method, path }) => `${method} ${path}`).sort();
    expect(samples.map(({ route }) => route).sort()).toEqual(routes);
    expect(samples.filter(({ body }) => body !== undefined).map(({ route }) => route).sort()).toEqual([...withBody].sort());
  });

  describe.each(withBody)('%s', (route) => {
    let sample: RouteSample;
    let before: Record<string, number>;
    beforeAll(async () => {
      sample = samples.find((one) => one.route === route) as RouteSample;
      before = await tableCounts(server);
    });

    it('refuses every fault of shape, and writes nothing', async () => {
      const faults = faultsOf(sample.body).map(({ name, value }) => ({ name, change: { body: value } }));
      expect(faults.length).toBeGreaterThan(10);
      expect(await notRefused(sample, faults)).toEqual([]);
      expect(await tableCounts(server)).toEqual(before);
    });

    it('refuses what is no strict JSON, and writes nothing', async () => {
      const good = JSON.stringify(sample.body);
      const [first = ''] = Object.keys(sample.body as object);
      const raw: Record<string, Partial<Ask>> = {
        'invalid UTF-8': { raw: Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from(',"a":"\xff"}', 'latin1')]) },
        'a name twice': { raw: `{${JSON.stringify(first)}:1,${good.slice(1)}` },
        __proto__: { raw: `{"__proto__":{"admin":true},${good.slice(1)}` },
        constructor: { raw: `{"constructor":{"prototype":{}},${good.slice(1)}` },
        'nothing': { raw: '' },
        'half of it': { raw: good.slice(0, good.length / 2) },
        'two values': { raw: `${good} ${good}` },
        'too much': { raw: `{"a":"${'x'.repeat(17 * 1024 * 1024)}"}` },
        'another content type': { raw: good, contentType: 'text/plain' },
        'a form': { raw: 'a=b', contentType: 'application/x-www-form-urlencoded' },
        'a number beyond doubles': { raw: `{"a":1e999,${good.slice(1)}` },
        'a rounded number': { raw: `{"a":9007199254740993,${good.slice(1)}` },
        'deep nesting': { raw: `{"a":${'['.repeat(100)}${']'.repeat(100)}}` },
      };
      expect(await notRefused(sample, Object.entries(raw).map(([name, change]) => ({ name, change })))).toEqual([]);
      expect(await tableCounts(server)).toEqual(before);
    });
  });

  it('refuses malformed ids in every path that has one', async () => {
    const before = await tableCounts(server);
    const bad = ['x', '-'.repeat(36), world.request.id.toUpperCase(), `${world.request.id}0`, '%00', '..%2f..%2fetc', 'null', '0', '%', '01920000-0000-4000-8000-000000000000', "';--", 'x'.repeat(150), 'x'.repeat(400)];
    for (const sample of samples.filter(({ parameters }) => parameters !== undefined)) {
      const [name = ''] = Object.keys(sample.parameters ?? {});
      const questions = bad.map((id) => ({ name: `${sample.route} of ${id}`, change: { path: pathOf({ ...sample, parameters: { [name]: id } }) } }));
      expect(await notRefused(sample, questions)).toEqual([]);
    }
    expect(await tableCounts(server)).toEqual(before);
  });

  it('refuses ids of nothing', async () => {
    const nothing = server.world.seed.uuid('nothing');
    for (const sample of samples.filter(({ parameters }) => parameters !== undefined && parameters['*'] === undefined)) {
      const [name = ''] = Object.keys(sample.parameters ?? {});
      const answer = await askSample(world, sample, { path: pathOf({ ...sample, parameters: { [name]: nothing } }) });
      // A list of nothing's releases is refused by its request.
      expect([sample.route, answer.status]).toEqual([sample.route, sample.route.endsWith('approvals') ? answer.status : 404]);
      expect(isProblem(answer)).toBe(true);
    }
  });

  it.each(['after=-1', 'after=x', 'limit=0', 'limit=501', 'limit=1e3', 'colour=red', 'class_uid=-1', 'chain=', 'chain=%00', 'chain=x%27--', 'after=1&after=2'])('refuses the query ?%s', async (query) => {
    const answer = await server.as('auditor', { path: `/v1/audit/entries?${query}` });
    expect([answer.status, answer.json.code]).toEqual([400, 'input-invalid']);
  });
});

describe('malformed structures inside well-shaped input', () => {
  const junk = (length: number): string => toBase64url(server.world.seed.bytes('junk', length));

  it.each(['a TPM quote', 'a software statement', 'evidence of another key'])('refuses %s that does not verify', async (what) => {
    const { node } = world;
    const transport = toBase64url(server.world.seed.bytes('transport', 32));
    const nonce = await node.challenge('enrol');
    const genuine = node.evidence('enrol', nonce, 'sha256:'.padEnd(71, '0')) as Record<string, unknown>;
    const evidence = {
      'a TPM quote': { kind: 'tpm2', attest: junk(48), signature: junk(48), ak_public: junk(48), pcrs: [{ bank: 'sha256', values: { '0': 'aa'.repeat(32) } }] },
      'a software statement': { ...genuine, statement: junk(48) },
      'evidence of another key': { ...genuine, signature: junk(64) },
    }[what];
    const answer = await node.ask({ path: '/v1/node/attestations', body: { nonce, transport_key: transport, evidence } });
    expect([answer.status, answer.json.code]).toEqual([400, 'evidence-malformed']);
    expect(answer.text).not.toContain(nonce);
  });

  it('refuses a certificate request that is no DER, or proves no possession', async () => {
    const { node } = world;
    const enrol = (csr: Uint8Array) => node.ask({ path: '/v1/enrolments', body: { node: node.id, endorsement: node.machine.endorsement, csr: toBase64url(csr) } }, '');
    for (const csr of [Buffer.from(junk(64)), node.csr.slice(0, 100), Buffer.concat([Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), node.csr])]) {
      const answer = await enrol(csr);
      expect([answer.status, answer.json.code]).toEqual([400, 'csr-malformed']);
    }
  });

  it('refuses an endorsement of garbage, of another kind, or of another machine', async () => {
    const { node } = world;
    const begin = (endorsement: object) => node.ask({ path: '/v1/enrolments', body: { node: node.id, endorsement, csr: toBase64url(node.csr) } }, '');
    const tpm = await createFakeTpm();
    expect((await begin(tpm.endorsement)).json.code).toBe('conflict');
    // Of the length of a P-256 key, and no key.
    const garbage = await begin({ kind: 'software', ak_public: toBase64url(Buffer.alloc(91, 7)) });
    expect(isProblem(garbage)).toBe(true);
  });

  it('refuses an approval whose WebAuthn parts are garbage, or another person\'s', async () => {
    const good = server.vote('owner', world.request);
    const votes = [
      { ...good, assertion: { ...good.assertion, client_data_json: junk(60) } },
      { ...good, assertion: { ...good.assertion, authenticator_data: junk(37) } },
      { ...good, assertion: { ...good.assertion, signature: junk(64) } },
      { ...good, assertion: { ...good.assertion, credential_id: junk(32) } },
      server.vote('security', world.request),
      server.vote('owner', world.request, (statement) => ({ ...statement, max_uses: statement.max_uses + 1 })),
      server.vote('owner', world.request, (statement) => ({ ...statement, policy_digest: `sha256:${'0'.repeat(64)}` })),
    ];
    for (const vote of votes) {
      const answer = await server.sendVote('owner', world.request, vote);
      expect([400, 403]).toContain(answer.status);
      expect(['statement-refused', 'approval-refused']).toContain(answer.json.code);
    }
    expect((await server.as('auditor', { path: `/v1/requests/${world.request.id}` })).json.approvals).toEqual([]);
  });

  it('refuses wrapped keys that are too few, twice, or of other shards', async () => {
    const manifest = server.world.signManifest((value) => ({ ...value, version: 2 }));
    const [one, two] = server.world.wrappedKeys;
    for (const wrapped_keys of [[one], [one, one], [one, { ...two, shard: 7 }], [one, two, { ...two, shard: 7 }]]) {
      const answer = await server.as('custodian', { path: '/v1/assets', body: { manifest, wrapped_keys } });
      expect([answer.status, answer.json.code]).toEqual([403, 'manifest-refused']);
    }
  });

  it('refuses an enclave that two signed and that is none, with every fault of it', async () => {
    const envelope = server.world.signEnclave((document) => ({ ...document, version: 2, enclave: { ...document.enclave, version: 2, zones: 'none' } }));
    const answer = await server.as('platform', { path: '/v1/enclaves', body: { envelope } });
    expect([answer.status, answer.json.code]).toEqual([400, 'input-invalid']);
    expect(answer.json.faults.map(({ path }: { path: string }) => path)).toContain('/zones');
  });
});

it('wrote nothing of all that to its log but paths and codes', () => {
  const written = server.lines.join('\n');
  expect(written).not.toMatch(/etc\/passwd|Bearer [A-Za-z0-9_-]{20}|eyJ[A-Za-z0-9_-]{20}|-----BEGIN/);
  // A fault of ours would be here.
  expect(written).not.toContain('request failed');
});
