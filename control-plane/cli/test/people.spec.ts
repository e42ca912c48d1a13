import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { canonicalDigest, toBase64url } from '@strongroom/attestation-encoding';
import { requestDigest, shortDigest, verifyManifest, verifyNodeRegistration, type Approval } from '@strongroom/control-plane-contract';
import { auditedWorld, NOW, type AuditedWorld } from './support/audited-world.js';
import { FakeControlPlane, SESSION_TOKEN } from './support/fake-control-plane.js';
import { FakeServer, problem } from './support/fake-server.js';
import { run, type RunOptions } from './support/test-io.js';

let server: FakeServer;
let audited: AuditedWorld;
let plane: FakeControlPlane;
let home: string;
const homes: string[] = [];

beforeAll(async () => {
  const first = await new FakeServer().listen();
  server = first;
  audited = await auditedWorld({ approvalOrigins: [`http://approve.localhost:${first.port}`] });
});
afterAll(() => server.close());
beforeEach(async () => {
  homes.push((home = await mkdtemp(join(tmpdir(), 'strongroom-cli-'))));
  const { seed, people } = audited.world;
  plane = new FakeControlPlane(audited, server, Object.fromEntries([people.requester, people.owner, people.security].map(({ id }) => [id, seed.ed25519(`sign-in ${id}`)])));
  server.asked.length = 0;
});
afterEach(async () => {
  await Promise.all(homes.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

const cli = (args: readonly string[], options: RunOptions = {}) => run(args, { env: { STRONGROOM_HOME: home, STRONGROOM_SERVER: server.url }, ...options });

async function secret(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(home, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

const pem = (key: { export(options: { format: 'pem'; type: 'pkcs8' }): string | Buffer }) => key.export({ format: 'pem', type: 'pkcs8' });

async function signIn(person: { readonly id: string }) {
  return cli(['login', '--key', await secret('sign-in-key.pem', pem(audited.world.seed.ed25519(`sign-in ${person.id}`))), '--json']);
}

async function ready(person = audited.world.people.security): Promise<string> {
  expect(await signIn(person)).toMatchObject({ code: 0 });
  expect(await cli(['trust', 'pin', '--genesis-digest', audited.world.genesis.digest])).toMatchObject({ code: 0 });
  const { privateKey, credentialId } = person.authenticator;
  const der = privateKey.export({ format: 'der', type: 'pkcs8' }) as Buffer;
  return secret('authenticator.json', JSON.stringify({ credential_id: credentialId, private_key: toBase64url(der), aaguid: '5374726f-6e67-4f6f-8d00-000000000001' }));
}

describe('login', () => {
  it('signs in as the person whose key it is, and keeps the token where only they can read it', async () => {
    const { security } = audited.world.people;
    const ran = await signIn(security);
    expect(ran.json).toMatchObject({ person: security.id, server: server.url });
    expect(ran.out + ran.err).not.toContain(SESSION_TOKEN);
    const kept = join(home, 'cli', 'session.json');
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, 'cli'))).mode & 0o077).toBe(0);
    expect(await readFile(kept, 'utf8')).toContain(SESSION_TOKEN);
    expect((await cli(['whoami', '--json'])).json).toMatchObject({ person: security.id });
  });

  it('ends the session at the server and here', async () => {
    await signIn(audited.world.people.owner);
    expect((await cli(['logout', '--json'])).json).toEqual({ signed_out: true });
    expect(plane.signedInAs).toBeUndefined();
    const after = await cli(['whoami']);
    expect(after).toMatchObject({ code: 1 });
    expect(after.err).toContain('not-signed-in');
    expect((await cli(['logout', '--json'])).json).toEqual({ signed_out: false });
  });

  it('is refused for a key of nobody, for another audience, and for another person', async () => {
    const stranger = await secret('stranger.pem', pem(audited.world.keys.stranger));
    expect((await cli(['login', '--key', stranger])).err).toContain('key-unsuitable');
    expect((await cli(['login', '--key', stranger, '--person', audited.world.people.owner.id])).err).toContain('authentication-failed');
    const own = await secret('own.pem', pem(audited.world.seed.ed25519(`sign-in ${audited.world.people.owner.id}`)));
    expect((await cli(['login', '--key', own, '--audience', 'http://elsewhere.example'])).err).toContain('authentication-failed');
  });

  it('reads no key that others can read, that is a link, or that is none', async () => {
    const key = pem(audited.world.keys.stranger);
    expect((await cli(['login', '--key', await secret('open.pem', key, 0o640)])).err).toContain('file-too-open');
    await symlink(await secret('target.pem', key), join(home, 'link.pem'));
    expect((await cli(['login', '--key', join(home, 'link.pem')])).err).toContain('file-missing');
    const garbage = await cli(['login', '--key', await secret('garbage.pem', 'SECRET-LOOKING GARBAGE')]);
    expect(garbage.err).toContain('key-unsuitable');
    expect(garbage.err).not.toContain('GARBAGE');
    expect((await cli(['login', '--key', await secret('p256.pem', pem(audited.world.people.owner.authenticator.privateKey))])).err).toContain('Ed25519');
    expect((await cli(['login', '--key', join(home, 'absent.pem')])).code).toBe(2);
  });

  it('sends no session in the clear over a network, and refuses a session file that others can read', async () => {
    await signIn(audited.world.people.owner);
    const kept = join(home, 'cli', 'session.json');
    const session = JSON.parse(await readFile(kept, 'utf8')) as object;
    await writeFile(kept, JSON.stringify({ ...session, server: 'http://strongroom.example' }));
    expect((await cli(['whoami', '--server', 'http://strongroom.example'])).err).toContain('server-insecure');
    await chmod(kept, 0o644);
    expect((await cli(['whoami'])).err).toContain('file-too-open');
  });
});

describe('trust pin', () => {
  it('keeps nothing that does not fit the digest', async () => {
    expect(await cli(['trust', 'show'])).toMatchObject({ code: 2 });
    const ran = await cli(['trust', 'pin', '--genesis-digest', `sha256:${'0'.repeat(64)}`]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.err).toContain('genesis-mismatch');
    expect(await cli(['trust', 'show'])).toMatchObject({ code: 2 });
    expect((await cli(['trust', 'pin', '--genesis-digest', audited.world.genesis.digest, '--json'])).json).toMatchObject({ anchors_digest: audited.world.anchors.digest });
    expect((await cli(['trust', 'show', '--json'])).json).toMatchObject({ genesis_digest: audited.world.genesis.digest, profile: 'development' });
  });
});

describe('approve', () => {
  const kept = () => plane.requests.get(audited.request.id);

  it('signs what it computed itself, and sends it to the approval host', async () => {
    const authenticator = await ready();
    const ran = await cli(['approve', audited.request.id, '--authenticator', authenticator, '--yes', '--json']);
    expect(ran).toMatchObject({ code: 0, json: { state: 'awaiting_approvals', missing: [{ factor: 'owner', count: 1 }] } });
    const [approval] = kept()?.approvals as [Approval];
    expect(approval.statement).toMatchObject({ request_digest: requestDigest(audited.request), factor: 'security', approver: audited.world.people.security.id, policy_digest: audited.world.engine.policyDigest });
    // Our nonce, not the server's.
    expect(ran.err).toContain(approval.statement.nonce);
    expect(ran.err).toContain(shortDigest(requestDigest(audited.request)));
    expect(server.asked.filter(({ host }) => host.startsWith('approve.'))).toHaveLength(1);
    expect(server.asked.some(({ path }) => path.includes(SESSION_TOKEN))).toBe(false);
  });

  it('completes the quorum with the second person, whose key is a PEM file', async () => {
    await cli(['approve', audited.request.id, '--authenticator', await ready(), '--yes']);
    const { owner } = audited.world.people;
    await ready(owner);
    const ran = await cli(['approve', audited.request.id, '--factor', 'owner', '--authenticator', await secret('owner.pem', pem(owner.authenticator.privateKey)), '--yes', '--json']);
    expect(ran.json).toMatchObject({ state: 'approved', missing: [] });
    const shown = await cli(['request', 'show', audited.request.id]);
    expect(shown.out).toMatch(/missing +nothing/);
    expect(shown.out).toContain(owner.id);
    expect(shown.out).toContain('"strongroom/request/v1"');
  });

  it('asks, and signs nothing unless the answer is yes', async () => {
    const authenticator = await ready();
    const questions: string[] = [];
    const confirm = (answer: boolean) => (question: string) => (questions.push(question), answer);
    const no = await cli(['approve', audited.request.id, '--authenticator', authenticator], { confirm: confirm(false) });
    expect(no).toMatchObject({ code: 1 });
    expect(no.err).toContain('not-confirmed');
    expect(kept()?.approvals).toEqual([]);
    expect(await cli(['approve', audited.request.id, '--authenticator', authenticator], { confirm: confirm(true) })).toMatchObject({ code: 0 });
    expect(questions[0]).toContain(shortDigest(requestDigest(audited.request)));
  });

  it('denies, and says so', async () => {
    const ran = await cli(['deny', audited.request.id, '--authenticator', await ready(), '--yes', '--json']);
    expect(ran.json).toMatchObject({ decision: 'deny', state: 'denied' });
  });

  it('signs nothing without pinned anchors, whatever the server shows', async () => {
    await signIn(audited.world.people.security);
    const ran = await cli(['approve', audited.request.id, '--authenticator', await secret('a.pem', pem(audited.world.people.security.authenticator.privateKey)), '--yes']);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toContain('trust-not-pinned');
    expect(server.asked.some(({ method, path }) => method === 'POST' && path.endsWith('approvals'))).toBe(false);
  });

  const lies: readonly (readonly [string, () => void, string])[] = [
    ['another digest than the request has', () => { plane.lie = (view) => ({ ...view, digest: `sha256:${'1'.repeat(64)}` }); }, 'request-mismatch'],
    ['another short digest', () => { plane.lie = (view) => ({ ...view, short_digest: '0000 0000 0000 0000 0000' }); }, 'request-mismatch'],
    ['another request', () => { plane.lie = (view) => ({ ...view, request: { ...(view['request'] as object), id: audited.world.seed.uuid('other') } }); }, 'request-mismatch'],
    ['other weights', () => { plane.lie = (view) => ({ ...view, weights_digest: [`sha256:${'2'.repeat(64)}`] }); }, 'request-mismatch'],
    ['another policy', () => { plane.lie = (view) => ({ ...view, policy_digest: `sha256:${'3'.repeat(64)}` }); }, 'request-mismatch'],
    ['a request of another tenant', () => { const { request } = audited; const other = { ...request, tenant: 'other' }; plane.lie = (view) => ({ ...view, request: other, digest: requestDigest(other), short_digest: shortDigest(requestDigest(other)) }); }, 'request-mismatch'],
    ['a manifest of one signer', () => { plane.manifest = audited.world.signManifest((m) => m, [audited.world.keys.manifestOwner]); }, 'manifest-roles'],
    ['another manifest than the request names', () => { plane.manifest = audited.world.signManifest((m) => ({ ...m, version: 2 })); }, 'request-mismatch'],
    ['a roster of one signer', () => { plane.roster = audited.world.signRoster((r) => r, audited.world.keys.roots.slice(0, 1)); }, 'statement-signature'],
    ['a policy of one signer', () => { plane.policy = audited.world.signPolicy((p) => p, audited.world.keys.policySigners.slice(0, 1)); }, 'statement-signature'],
    ['no request at all', () => { plane.lie = () => ({}); }, 'server-answer-malformed'],
  ];
  it.each(lies)('signs nothing when the server shows %s', async (_name, lie, code) => {
    const authenticator = await ready();
    lie();
    const ran = await cli(['approve', audited.request.id, '--authenticator', authenticator, '--yes']);
    expect(ran.err).toContain(code);
    expect(ran.code).toBe(1);
    expect(server.asked.some(({ method, path }) => method === 'POST' && path.endsWith('approvals'))).toBe(false);
  });

  it('refuses a factor the person may not fill, their own request, another origin, and somebody else\'s authenticator', async () => {
    const authenticator = await ready();
    const approve = (...more: string[]) => cli(['approve', audited.request.id, '--authenticator', authenticator, '--yes', ...more]);
    expect((await approve('--factor', 'owner')).code).toBe(2);
    expect((await approve('--factor', 'nobody')).code).toBe(2);
    expect((await approve('--approval-server', 'http://approve.localhost:1')).code).toBe(2);
    const { owner } = audited.world.people;
    const foreign = await secret('foreign.pem', pem(owner.authenticator.privateKey));
    expect((await cli(['approve', audited.request.id, '--authenticator', foreign, '--yes'])).err).toContain('approval-unknown-credential');
    const wrongKey = await secret('wrong.json', JSON.stringify({ credential_id: audited.world.people.security.authenticator.credentialId, private_key: toBase64url(owner.authenticator.privateKey.export({ format: 'der', type: 'pkcs8' })) }));
    expect((await cli(['approve', audited.request.id, '--authenticator', wrongKey, '--yes'])).err).toContain('approval-signature');
    const ed25519 = await secret('ed.pem', pem(audited.world.keys.stranger));
    expect((await cli(['approve', audited.request.id, '--authenticator', ed25519, '--yes'])).err).toContain('key-unsuitable');
    await ready(audited.world.people.requester);
    expect((await approve('--factor', 'owner')).err).toContain('nobody approves their own request');
    expect(kept()?.approvals).toEqual([]);
  });
});

describe('request', () => {
  const asked = () => ['request', 'create', '--asset', audited.request.asset, '--shards', '1,0-1', '--node', audited.request.node, '--purpose', 'evaluation', '--ticket', 'EVAL-1', '--not-before', '2026-11-22T12:00:00Z', '--not-after', '2026-11-22T13:00:00Z'];
  it('is created, listed, withdrawn and revoked', async () => {
    await signIn(audited.world.people.requester);
    const created = await cli([...asked(), '--json']);
    expect(created.json).toMatchObject({ state: 'awaiting_approvals', request: { shards: [0, 1], purpose: 'evaluation', max_uses: 1, approve_by: '2026-11-22T13:00:00Z' } });
    const { id } = created.json['request'] as { id: string };
    expect((await cli(['request', 'list'])).out).toContain(id);
    expect((await cli(['request', 'list', '--state', 'denied', '--json'])).out.trim()).toBe('[]');
    expect((await cli(['request', 'withdraw', id, '--json'])).json).toMatchObject({ state: 'withdrawn' });
    expect(await cli(['revoke', 'request', id, '--reason', 'wrong node'])).toMatchObject({ code: 0 });
    expect(await cli(['revoke', 'asset', audited.request.asset, '--reason', 'leak'])).toMatchObject({ code: 0 });
    expect(await cli(['node', 'suspend', audited.request.node, '--reason', 'alert'])).toMatchObject({ code: 0 });
    expect(plane.revoked).toEqual([{ kind: 'requests', id, reason: 'wrong node' }, { kind: 'assets', id: audited.request.asset, reason: 'leak' }, { kind: 'nodes', id: audited.request.node, reason: 'alert' }]);
  });

  it('is refused here when it is malformed, and when the server makes another one of it', async () => {
    await signIn(audited.world.people.requester);
    for (const [at, value] of [[5, '3-1'], [5, 'all'], [7, 'node'], [9, 'fun'], [13, 'soon']] as const) {
      const args = asked();
      args[at] = value;
      expect({ value, code: (await cli(args)).code }).toEqual({ value, code: 2 });
    }
    expect((await cli(['revoke', 'tenant', audited.request.id, '--reason', 'x'])).code).toBe(2);
    expect((await cli(['request', 'show', '../assets'])).code).toBe(2);
    plane.lie = (view) => {
      const request = { ...(view['request'] as typeof audited.request), max_uses: 1000 };
      return { ...view, request, digest: requestDigest(request), short_digest: shortDigest(requestDigest(request)) };
    };
    const ran = await cli(asked());
    expect(ran.err).toContain('max_uses differ');
    expect(ran.code).toBe(1);
  });
});

describe('custody', () => {
  it('merges the signatures of two roles into one manifest, and registers it', async () => {
    const { world } = audited;
    const manifest = join(home, 'manifest.json');
    const out = join(home, 'manifest.dsse.json');
    await writeFile(manifest, JSON.stringify(world.documents.manifest));
    const first = await cli(['asset', 'sign-manifest', '--manifest', manifest, '--key', await secret('o.pem', pem(world.keys.manifestOwner)), '--out', out, '--json']);
    expect(first.json).toMatchObject({ digest: canonicalDigest(world.documents.manifest), short_digest: shortDigest(canonicalDigest(world.documents.manifest)) });
    const keys = join(home, 'keys.json');
    await writeFile(keys, JSON.stringify(world.wrappedKeys));
    await signIn(world.people.requester);
    const early = await cli(['asset', 'register', '--manifest', out, '--wrapped-keys', keys]);
    expect(early).toMatchObject({ code: 1 });
    expect(early.err).toContain('manifest-roles');
    expect(await cli(['asset', 'sign-manifest', '--manifest', out, '--key', await secret('s.pem', pem(world.keys.manifestSecurity)), '--out', out])).toMatchObject({ code: 0 });
    expect(verifyManifest(JSON.parse(await readFile(out, 'utf8')), world.anchors.value, NOW).roles).toEqual(['owner', 'security']);
    expect(await cli(['asset', 'register', '--manifest', out, '--wrapped-keys', keys, '--json'])).toMatchObject({ code: 0 });
    expect((await cli(['asset', 'show', audited.request.asset])).out).toContain('10000 of 1000000 bytes');
    expect((await cli(['asset', 'list'])).out).toContain(world.documents.manifest.asset.name);
    server.on('GET', /\/budget$/, () => problem(403, 'access-denied', 'Access is denied'));
    expect((await cli(['asset', 'show', audited.request.asset, '--json'])).json).toMatchObject({ id: audited.request.asset, budget: null });
  });

  it('signs no second statement over the first, no other kind, and nothing malformed', async () => {
    const { world } = audited;
    const key = await secret('o.pem', pem(world.keys.manifestOwner));
    const [manifest, other, out] = [join(home, 'm.json'), join(home, 'n.json'), join(home, 'out.json')];
    await writeFile(manifest, JSON.stringify(world.documents.manifest));
    await writeFile(other, JSON.stringify({ ...world.documents.manifest, version: 2 }));
    const sign = (input: string) => cli(['asset', 'sign-manifest', '--manifest', input, '--key', key, '--out', out]);
    expect((await sign(manifest)).code).toBe(0);
    expect((await sign(other)).err).toContain('file-exists');
    await writeFile(other, JSON.stringify(world.signRegistration()));
    expect((await sign(other)).err).toContain('another kind');
    await writeFile(other, JSON.stringify({ ...world.documents.manifest, extra: 1 }));
    expect((await sign(other)).err).toContain('statement-malformed');
    await writeFile(other, '{"secret":');
    expect((await sign(other)).err).toBe(`file-malformed: ${other} is not JSON\n`);
  });

  it('merges registrations of two registrars from two files', async () => {
    const { world } = audited;
    const registration = join(home, 'r.json');
    await writeFile(registration, JSON.stringify(world.documents.registration));
    const outs = await Promise.all(world.keys.registrars.map(async (key, at) => {
      const out = join(home, `signed-${at}.json`);
      expect(await cli(['node', 'sign-registration', '--registration', registration, '--key', await secret(`k${at}.pem`, pem(key)), '--out', out])).toMatchObject({ code: 0 });
      return out;
    }));
    await signIn(world.people.requester);
    expect((await cli(['node', 'register', '--registration', outs[0] ?? ''])).err).toContain('statement-signature');
    expect(await cli(['node', 'register', '--registration', outs[0] ?? '', '--signatures', outs[1] ?? ''])).toMatchObject({ code: 0 });
    const sent = server.asked.at(-1)?.body as { envelope: unknown };
    expect(verifyNodeRegistration(sent.envelope, world.anchors.value, NOW).keyIds).toHaveLength(2);
    expect((await cli(['node', 'show', world.nodeId, '--json'])).json).toMatchObject({ id: world.nodeId });
    expect((await cli(['node', 'list'])).out).toContain(world.nodeId);
  });
});

describe('audit entries', () => {
  it('passes the filters on and neutralises what it prints', async () => {
    await signIn(audited.world.people.requester);
    const ran = await cli(['audit', 'entries', '--chain', 'weights/a&b', '--class', '6005', '--after', '2', '--limit', '1']);
    expect(ran.out).toContain('after=2&chain=weights%2Fa%26b&class_uid=6005&limit=1\\u{1b}[31m');
    expect(ran.out).toContain('more: --after 3');
    expect((await cli(['audit', 'entries', '--limit', 'all'])).code).toBe(2);
  });
});

describe('approval verify', () => {
  const files = async () => {
    await mkdir(join(home, 'a'));
    const at = (name: string) => join(home, 'a', name);
    const { world, request, approvals } = audited;
    await writeFile(at('roster.json'), JSON.stringify(audited.documents.roster));
    await writeFile(at('anchors.json'), JSON.stringify(world.anchors.envelope));
    await writeFile(at('one.json'), JSON.stringify(approvals[0]));
    await writeFile(at('request.json'), JSON.stringify({ request, approvals }));
    await writeFile(at('changed.json'), JSON.stringify({ request: { ...request, max_uses: 9 }, approvals }));
    await writeFile(at('none.json'), JSON.stringify({ request, approvals: [] }));
    await writeFile(at('forged.json'), JSON.stringify({ ...approvals[0], assertion: approvals[1]?.assertion }));
    await writeFile(at('self-made.json'), JSON.stringify(world.signRoster((r) => r, [world.keys.stranger])));
    const verify = (name: string, roster = 'roster.json') => cli(['approval', 'verify', at(name), '--roster', at(roster), '--anchors', at('anchors.json'), '--anchors-digest', world.anchors.digest, '--json']);
    return verify;
  };
  it('verifies offline what people signed', async () => {
    const verify = await files();
    server.asked.length = 0;
    expect(await verify('one.json')).toMatchObject({ code: 0, json: { ok: true, approvals: [{ approver: audited.world.people.owner.id, factor: 'owner', decision: 'approve' }] } });
    expect((await verify('request.json')).json['approvals']).toHaveLength(2);
    expect(server.asked).toEqual([]);
  });
  it.each([['forged.json', undefined, 'approval-'], ['changed.json', undefined, 'approval-other-request'], ['none.json', undefined, 'file-malformed'], ['one.json', 'self-made.json', 'statement-signature'], ['roster.json', undefined, 'approval-malformed']])('refuses %s (roster %s)', async (name, roster, code) => {
    const ran = await (await files())(name, roster);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(code);
  });
});
