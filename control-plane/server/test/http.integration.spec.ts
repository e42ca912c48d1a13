import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { Body, Controller, Get, HttpCode, Module, Param, Post } from '@nestjs/common';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseVkey, verifyCheckpoint } from '@strongroom/attestation-tlog';
import { z } from 'zod';
import { AuditModule } from '../src/audit/audit.module.js';
import { spiffeId } from '../src/platform/node-certificate.js';
import { identityConfig } from '../src/platform/platform.config.js';
import type { Node, Person } from '../src/platform/principal.js';
import type { Problem } from '../src/platform/problem.js';
import { RouteAction } from '../src/platform/route-action.js';
import { CurrentNode, CurrentPerson } from '../src/platform/route.guard.js';
import { openTestApplication, type TestApplication } from './support/application.js';
import { createInstallation, type Installation } from './support/installation.js';
import { FakePrincipals, principalsModule } from './support/principals.js';

const thing = z.strictObject({ name: z.string().max(20), size: z.number().int().min(0).optional() });

@Controller('test')
class TestController {
  @Post('things')
  @HttpCode(201)
  @RouteAction({ action: 'thing.create', principal: 'person', bodyLimit: 200 })
  create(@Body({ schema: thing }) body: z.infer<typeof thing>, @CurrentPerson() person: Person) {
    return { ...body, by: person.id };
  }
  @Get('things/:thing')
  @RouteAction({ action: 'thing.read', principal: 'person' })
  read(@Param('thing') name: string) {
    return { name };
  }
  @Get('sign')
  @RouteAction({ action: 'approval.sign', principal: 'anyone', surfaces: ['approval'] })
  sign() {
    return { page: true };
  }
  @Get('machine')
  @RouteAction({ action: 'node.read', principal: 'node' })
  machine(@CurrentNode() node: Node) {
    return node;
  }
  @Post('enrol')
  @RouteAction({ action: 'node.enrol', principal: 'anyone', surfaces: ['agents'] })
  enrol() {
    return { enrolled: true };
  }
  @Get('broken')
  @RouteAction({ action: 'thing.break', principal: 'anyone' })
  broken() {
    throw new Error('the secret is hunter2');
  }
}
@Module({ controllers: [TestController] })
class TestModule {}

@Controller('undeclared')
class UndeclaredController {
  @Get()
  get() {
    return {};
  }
}
@Module({ controllers: [UndeclaredController] })
class UndeclaredModule {}

const TOKEN = 'a'.repeat(43);
const person: Person = { kind: 'person', id: '01920000-0000-7000-8000-000000000001', tenant: 'main', sessionId: '01920000-0000-7000-8000-000000000002' };
const NODE = '01920000-0000-7000-8000-00000000000a';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly json: Problem & Record<string, unknown>;
}

let installation: Installation;
let app: TestApplication;
let principals: FakePrincipals;
let ports: { peoplePort: number; agentsPort: number };
const log: string[] = [];

beforeAll(async () => {
  installation = await createInstallation();
  principals = new FakePrincipals();
  app = await openTestApplication(installation, [AuditModule, principalsModule(principals), TestModule], { log: (line) => log.push(line) });
  ports = await app.listen();
});
afterAll(async () => {
  await app?.close();
  await installation?.remove();
});
beforeEach(() => {
  principals.sessions.set(TOKEN, person);
  principals.denied.clear();
});

interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly host?: string;
  readonly certificate?: { readonly cert: string; readonly key: string };
}

function ask({ method = 'GET', path, headers = {}, body, host, certificate }: Ask, over: 'people' | 'agents' = 'people'): Promise<Answer> {
  const common = { method, path, host: '127.0.0.1', headers: { ...(host === undefined ? {} : { host }), ...headers } };
  return new Promise((resolve, reject) => {
    const request =
      over === 'people'
        ? httpRequest({ ...common, port: ports.peoplePort })
        : httpsRequest({ ...common, port: ports.agentsPort, servername: 'localhost', ca: app.platform.authority.certificatePem, agent: new Agent({ keepAlive: false }), ...certificate });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = (/json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : {}) as Answer['json'];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.end(body);
  });
}

const signedIn = { authorization: `Bearer ${TOKEN}` };
const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  ask({ method: 'POST', path: '/test/things', body, headers: { ...signedIn, 'content-type': 'application/json', ...headers } });

describe('what a request may carry', () => {
  it('accepts the declared shape', async () => {
    expect((await post('{"name":"a","size":1}')).json).toEqual({ name: 'a', size: 1, by: person.id });
  });
  it.each([
    ['not JSON', '{"name":', 400, 'body-malformed'],
    ['an empty body', '', 400, 'body-malformed'],
    ['a name twice', '{"name":"a","name":"b"}', 400, 'body-duplicate-name'],
    ['a name twice, spelled otherwise', '{"name":"a","\\u006eame":"b"}', 400, 'body-duplicate-name'],
    ['__proto__', '{"name":"a","__proto__":{"size":1}}', 400, 'body-forbidden-name'],
    ['a number beyond doubles', '{"name":"a","size":1e999}', 400, 'body-number'],
    ['a number that would be rounded', '{"name":"a","size":9007199254740993}', 400, 'body-number'],
    ['NaN', '{"name":"a","size":NaN}', 400, 'body-malformed'],
    ['a negative size', '{"name":"a","size":-1}', 400, 'input-invalid'],
    ['an unknown member', '{"name":"a","colour":"red"}', 400, 'input-invalid'],
    ['another type', '{"name":7}', 400, 'input-invalid'],
    ['an array', '[]', 400, 'input-invalid'],
    ['null', 'null', 400, 'input-invalid'],
    ['too deep', `${'['.repeat(40)}${']'.repeat(40)}`, 400, 'body-too-deep'],
    ['too large', JSON.stringify({ name: 'a'.repeat(300) }), 413, 'body-too-large'],
  ])('refuses %s', async (_name, body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ type: `urn:strongroom:problem:${code}`, status });
    expect(answer.json.instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  });
  it('refuses invalid UTF-8, and other media types', async () => {
    expect((await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).json.code).toBe('body-encoding');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml']) {
      const answer = await post('name=a', { 'content-type': type });
      expect([answer.status, answer.json.code]).toEqual([415, 'unsupported-media-type']);
    }
  });
  it('points to each fault of the input', async () => {
    expect((await post('{"name":7,"size":"x"}')).json.faults?.map(({ path }) => path)).toEqual(['/name', '/size']);
  });
  it('answers addresses that lead nowhere, or are malformed, as problems', async () => {
    expect((await ask({ path: '/nowhere' })).json.code).toBe('route-unknown');
    expect((await ask({ method: 'DELETE', path: '/test/things' })).json.code).toBe('route-unknown');
    expect((await ask({ path: '/test/things/%ff', headers: signedIn })).json.code).toBe('url-malformed');
    expect((await ask({ path: `/test/things/${'x'.repeat(300)}`, headers: signedIn })).json.code).toMatch(/url-malformed|route-unknown/);
  });
  it('says nothing of a defect but where to look it up', async () => {
    const answer = await ask({ path: '/test/broken' });
    expect([answer.status, answer.json.code]).toEqual([500, 'defect']);
    expect(answer.text).not.toContain('hunter2');
    expect(log.join('')).toContain(answer.json.instance.slice('urn:uuid:'.length));
  });
  it('never writes credentials, bodies or query strings to its log', async () => {
    await post('{"name":"confidential"}');
    await ask({ path: '/healthz?token=confidential' });
    expect(log.join('')).not.toMatch(new RegExp(`${TOKEN}|confidential`));
  });
});

describe('who may ask', () => {
  it('asks for a session, and tells nothing of why one is not accepted', async () => {
    expect((await ask({ path: '/test/things/x' })).json.code).toBe('authentication-required');
    for (const authorization of ['Bearer', `Bearer ${'b'.repeat(43)}`, `Basic ${TOKEN}`, `bearer ${TOKEN}`, `Bearer ${TOKEN} `.repeat(2)]) {
      const answer = await ask({ path: '/test/things/x', headers: { authorization } });
      expect([answer.status, answer.json.code]).toEqual([401, 'authentication-failed']);
    }
  });
  it('asks the decider with action and resource, and refuses with its reasons', async () => {
    principals.questions.length = 0;
    expect((await ask({ path: '/test/things/x', headers: signedIn })).status).toBe(200);
    expect(principals.questions).toEqual([{ principal: person, action: 'thing.read', resource: { thing: 'x' } }]);
    principals.denied.add('thing.read');
    const answer = await ask({ path: '/test/things/x', headers: signedIn });
    expect([answer.status, answer.json.code]).toEqual([403, 'access-denied']);
    expect(answer.json.reasons).toEqual([{ code: 'test.denied', message: 'the test denies this' }]);
  });
  it('limits failures by address', async () => {
    const limited = await openTestApplication(installation, [principalsModule(new FakePrincipals()), TestModule], { changes: { listeners: { failuresPerMinute: 2, requestsPerMinute: 3 } } });
    const inject = (headers: Record<string, string>, url = '/test/things/x') => limited.nest.inject({ url, headers: { host: 'localhost', ...headers } });
    for (let n = 0; n < 2; n++) expect((await inject({ authorization: `Bearer ${'c'.repeat(43)}` })).statusCode).toBe(401);
    expect((await inject({ authorization: `Bearer ${'c'.repeat(43)}` })).statusCode).toBe(429);
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push((await inject({}, '/healthz')).statusCode);
    expect(answers).toEqual([200, 200, 200, 429]);
    await limited.close();
  });
});

describe('where a route lives', () => {
  it('serves approval routes under the approval host alone, and nothing else there', async () => {
    expect((await ask({ path: '/test/sign', host: 'approve.localhost:7080' })).status).toBe(200);
    expect((await ask({ path: '/test/sign', host: 'APPROVE.localhost' })).status).toBe(200);
    for (const host of ['localhost', '127.0.0.1', 'evil.example', 'approve.localhost.evil.example', 'localhost.', '']) {
      expect((await ask({ path: '/test/sign', host })).status).toBe(404);
    }
    for (const path of ['/healthz', '/openapi.json', '/log/checkpoint', '/test/broken', '/nowhere']) {
      expect((await ask({ path, host: 'approve.localhost' })).json.code).toBe('route-unknown');
    }
    expect((await ask({ path: '/test/sign', host: 'approve.localhost' }, 'agents')).status).toBe(404);
  });
  it('refuses host names that are none of ours', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', 'localhost:80@evil']) expect((await ask({ path: '/healthz', host })).status).toBe(404);
  });
  it('keeps agents’ routes off the people’s listener, whatever headers claim', async () => {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'localhost', 'x-client-cert': 'x', 'x-forwarded-for': '10.0.0.1' };
    expect((await ask({ path: '/test/machine', headers })).status).toBe(404);
    expect((await ask({ method: 'POST', path: '/test/enrol', headers })).status).toBe(404);
    expect((await ask({ path: '/test/things/x', headers: signedIn }, 'agents')).status).toBe(404);
  });
});

describe('the agents’ listener', () => {
  const identity = () => app.platform.configuration.get(identityConfig);

  async function request(keys?: webcrypto.CryptoKeyPair): Promise<{ csr: Uint8Array; key: string }> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const pair = keys ?? ((await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])));
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=root of everything', keys: pair, signingAlgorithm: algorithm, extensions: [new x509.BasicConstraintsExtension(true)] });
    return { csr: new Uint8Array(csr.rawData), key: x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey), 'PRIVATE KEY') };
  }

  async function certified(id = spiffeId(identity(), NODE), authority = app.platform.authority) {
    const { csr, key } = await request();
    const issued = await authority.issueNodeCertificate(csr, id, 1);
    return { issued, certificate: { cert: issued.certificatePem, key } };
  }

  it('knows a node by its certificate', async () => {
    const { issued, certificate } = await certified();
    const answer = await ask({ path: '/test/machine', certificate }, 'agents');
    expect(answer.json).toEqual({ kind: 'node', id: NODE, tenant: 'main', serial: issued.serial, keyDigest: issued.keyDigest });
  });
  it('lets a machine without one enrol, and do nothing else', async () => {
    expect((await ask({ method: 'POST', path: '/test/enrol' }, 'agents')).status).toBe(201);
    expect((await ask({ path: '/test/machine' }, 'agents')).json.code).toBe('authentication-required');
  });
  it('refuses revoked certificates at once', async () => {
    const { issued, certificate } = await certified();
    expect((await ask({ path: '/test/machine', certificate }, 'agents')).status).toBe(200);
    principals.revokedSerials.add(issued.serial);
    expect((await ask({ path: '/test/machine', certificate }, 'agents')).json.code).toBe('authentication-failed');
  });
  it.each([
    ['another trust domain', 'spiffe://evil.example/main/node/'],
    ['another tenant', 'spiffe://test.example/other/node/'],
    ['another kind', 'spiffe://test.example/main/person/'],
    ['a longer path', 'spiffe://test.example/main/node/x/'],
  ])('refuses a certificate of %s', async (_name, prefix) => {
    const { certificate } = await certified(`${prefix}${NODE}`);
    expect((await ask({ path: '/test/machine', certificate }, 'agents')).json.code).toBe('authentication-failed');
  });
  it('refuses certificates of another CA of the same name, and self-made ones', async () => {
    const other = await createInstallation();
    const foreign = await openTestApplication(other, [principalsModule(new FakePrincipals())]);
    const { certificate } = await certified(undefined, foreign.platform.authority);
    expect((await ask({ path: '/test/machine', certificate }, 'agents')).json.code).toBe('authentication-failed');
    await foreign.close();
    await other.remove();
  });
  it('takes nothing but the key from a certificate request', async () => {
    const { issued } = await certified();
    const certificate = new x509.X509Certificate(issued.certificatePem);
    expect(certificate.subject).toBe('');
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([x509.ExtendedKeyUsage.clientAuth]);
    expect(certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value)).toEqual([spiffeId(identity(), NODE)]);
  });
  it('refuses requests that are malformed, prove no possession, or name a weak key', async () => {
    const issue = (csr: Uint8Array) => app.platform.authority.issueNodeCertificate(csr, spiffeId(identity(), NODE), 1);
    const { csr } = await request();
    const forged = csr.slice();
    forged.set([(forged.at(-1) ?? 0) ^ 1], forged.length - 1);
    await expect(issue(forged)).rejects.toMatchObject({ code: 'csr-possession' });
    await expect(issue(new Uint8Array(10))).rejects.toMatchObject({ code: 'csr-malformed' });
    await expect(issue(new Uint8Array(10_000))).rejects.toMatchObject({ code: 'csr-malformed' });
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 1024 };
    const keys = (await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify']));
    const weak = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys, signingAlgorithm: rsa });
    await expect(issue(new Uint8Array(weak.rawData))).rejects.toMatchObject({ code: 'csr-key' });
  });
  it('speaks TLS 1.3 only, with a certificate of our CA', async () => {
    const old = new Promise((resolve, reject) => {
      const request = httpsRequest({ host: '127.0.0.1', port: ports.agentsPort, path: '/healthz', ca: app.platform.authority.certificatePem, maxVersion: 'TLSv1.2' }, resolve);
      request.on('error', reject);
      request.end();
    });
    await expect(old).rejects.toThrow();
    expect((await ask({ path: '/healthz' }, 'agents')).json).toEqual({ status: 'ok' });
  });
});

describe('the log over HTTP', () => {
  it('is served as static files with the right caching', async () => {
    const checkpoint = await ask({ path: '/log/checkpoint' });
    expect(checkpoint.headers['cache-control']).toBe('no-cache');
    const { log: anchored } = installation.anchors;
    const { size } = verifyCheckpoint(Buffer.from(checkpoint.text), { origin: anchored.origin, log: parseVkey(anchored.vkey) });
    const tile = await ask({ path: `/log/tile/0/000.p/${size}` });
    expect([tile.status, tile.headers['cache-control'], tile.headers['content-type']]).toEqual([200, 'public, max-age=31536000, immutable', 'application/octet-stream']);
  });
  it.each(['/log/tile/0/001', '/log/tile/0/000.p/0', '/log/tile/../checkpoint', '/log/tile/%2e%2e/checkpoint', '/log/tile/0/0', '/log/tile/64/000', '/log/tile/entries/000.p/300', '/log/tile/'])(
    'has no %s',
    async (path) => {
      const answer = await ask({ path });
      expect([answer.status, answer.headers['cache-control']]).toEqual([404, 'no-store']);
    },
  );
  it('lists and exports entries to whoever may read them, and logs that', async () => {
    expect((await ask({ path: '/v1/audit/entries' })).status).toBe(401);
    const page = await ask({ path: '/v1/audit/entries?limit=1', headers: signedIn });
    expect(page.json).toMatchObject({ items: [{ index: '0' }], next: '0' });
    expect((await ask({ path: '/v1/audit/entries?after=0&limit=500&chain=log', headers: signedIn })).json).toMatchObject({ items: [{ index: '1' }], next: null });
    const exported = await ask({ path: '/v1/audit/export?from=0&to=2', headers: signedIn });
    expect(exported.json).toMatchObject({ origin: installation.anchors.log.origin, entries: [{ index: '0' }, { index: '1' }], next: null });
    for (const bad of ['limit=0', 'limit=x', 'after=-1', 'colour=red', 'limit=1&limit=2']) {
      expect((await ask({ path: `/v1/audit/entries?${bad}`, headers: signedIn })).json.code).toBe('input-invalid');
    }
    const reads: { count: string }[] = await app.platform.database.manager.query("SELECT (SELECT count(*) FROM audit_chain_entry WHERE chain_uid = 'audit') + (SELECT count(*) FROM audit_pending) AS count");
    expect(Number(reads[0]?.count)).toBe(3);
  });
});

describe('starting', () => {
  it('refuses a route without an action', async () => {
    await expect(openTestApplication(installation, [principalsModule(new FakePrincipals()), UndeclaredModule])).rejects.toMatchObject({ code: 'route-undeclared' });
  });
  it('refuses to run without sessions, nodes or a decider', async () => {
    await expect(openTestApplication(installation, [TestModule])).rejects.toMatchObject({ code: 'provider-missing', message: expect.stringContaining('AccessDecider') });
  });
  it('refuses a log that begins with another genesis, and a genesis of another profile or tenant', async () => {
    const other = await createInstallation();
    const trust = other.file['trust'] as object;
    const modules = [AuditModule, principalsModule(new FakePrincipals())];
    await expect(openTestApplication(installation, modules, { changes: { trust } })).rejects.toMatchObject({ code: 'genesis-mismatch', message: expect.stringContaining('another genesis') });
    await other.remove();
    await expect(openTestApplication(installation, modules, { changes: { identity: { tenant: 'other' } } })).rejects.toMatchObject({ code: 'genesis-mismatch' });
    await expect(openTestApplication(installation, modules, { changes: { trust: { genesisDigest: `sha256:${'0'.repeat(64)}` } } })).rejects.toMatchObject({ code: 'genesis-mismatch' });
    const production = await createInstallation({ profile: 'production', witnesses: { quorum: 1, vkeys: ['w+00000000+AAAA'] } });
    await expect(openTestApplication(production, modules)).rejects.toMatchObject({ code: 'genesis-mismatch', message: expect.stringContaining('profile') });
    await production.remove();
  });
  it('says which port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    for (const name of ['peoplePort', 'agentsPort']) {
      const second = await openTestApplication(installation, [principalsModule(new FakePrincipals())], { changes: { listeners: { [name]: port } } });
      await expect(second.listen()).rejects.toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(port)) });
      await second.close();
    }
    taken.close();
  });
  it('lists its routes with their actions', () => {
    const routes = app.routes.filter(({ path }) => !path.startsWith('/test')).map(({ method, path, action, principal, surfaces }) => `${method} ${path} ${action} ${principal} ${surfaces.join('+')}`);
    expect(routes).toEqual([
      'GET /healthz health.read anyone people+agents',
      'GET /log/checkpoint log.read anyone people+agents',
      'GET /log/tile/* log.read anyone people+agents',
      'GET /openapi.json api.describe anyone people+agents',
      'GET /v1/audit/entries audit.read person people',
      'GET /v1/audit/export audit.export person people',
    ]);
  });
  it('describes itself in OpenAPI 3.1', async () => {
    const { json } = await ask({ path: '/openapi.json' });
    expect(json).toMatchObject({ openapi: '3.1.0', paths: { '/v1/audit/entries': { get: { parameters: expect.any(Array) } } } });
    expect(JSON.stringify(json)).toContain('#/components/schemas/Problem');
  });
});

it('cuts off what is not HTTP', async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connectTcp(ports.peoplePort, '127.0.0.1', () => socket.write('NOT HTTP\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => { resolve(text); });
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400/);
});
