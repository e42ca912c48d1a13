import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { entriesPath } from '@strongroom/attestation-tlog';
import { auditedWorld, type AuditedWorld } from './support/audited-world.js';
import { fakePlatform, signIn, TOKEN } from './support/fake-platform.js';
import { problem, type FakeServer } from './support/fake-server.js';
import { run } from './support/test-io.js';

let audited: AuditedWorld;
let server: FakeServer;
let home: string;

beforeAll(async () => {
  audited = await auditedWorld({ padding: 600 });
  server = await fakePlatform(audited);
});
afterAll(() => server.close());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'strongroom-cli-'));
});
const clean: string[] = [];
afterAll(() => Promise.all(clean.map((folder) => rm(folder, { recursive: true, force: true }))));

async function exportTo(args: readonly string[] = [], from = server) {
  clean.push(home);
  const out = join(home, 'export');
  const ran = await run(['audit', 'export', '--out', out, '--server', from.url, '--json', ...args], { env: { STRONGROOM_HOME: home } });
  return { out, ran };
}
const verify = (out: string, args: readonly string[] = []) => run(['audit', 'verify', out, '--genesis-digest', audited.world.genesis.digest, '--json', ...args], { env: { STRONGROOM_HOME: home } });

describe('audit export', () => {
  it('downloads what verifies offline, without a session', async () => {
    const { out, ran } = await exportTo();
    expect(ran).toMatchObject({ code: 0, json: { size: String(audited.log.entries.length), verified: false } });
    expect(await verify(out)).toMatchObject({ code: 0, json: { ok: true, summary: { releases: 1 } } });
    expect(server.asked.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('downloads the people behind releases with a session, and sends the token in no URL', async () => {
    await signIn(home, server, audited.world.people.requester.id);
    const { out, ran } = await exportTo(['--documents']);
    expect(ran).toMatchObject({ code: 0, json: { requests: 1 } });
    expect(await verify(out, ['--documents'])).toMatchObject({ code: 0, json: { summary: { approvals_verified: 2 } } });
    expect(server.asked.some(({ path }) => path.includes(TOKEN))).toBe(false);
  });

  it('takes the log at the size of its checkpoint although it has grown and partial tiles are gone', async () => {
    const small = audited.log.files(audited.log.entries.slice(0, 300));
    const grown = audited.log.files();
    // What a log keeps of its past: partial tiles until their full one is there.
    const files = new Map([...small, ...grown]);
    files.set('checkpoint', small.get('checkpoint') ?? new Uint8Array());
    for (const path of files.keys()) if (path.includes('/001.p/')) files.delete(path);
    expect(files.has(entriesPath(1n, 44))).toBe(false);
    const other = await fakePlatform(audited, files);
    try {
      const { out, ran } = await exportTo([], other);
      expect(ran).toMatchObject({ code: 0, json: { size: '300' } });
      expect(await verify(out)).toMatchObject({ code: 0 });
    } finally {
      await other.close();
    }
  });

  it('leaves no checkpoint behind when a tile is missing, so that the rest cannot pass for an export', async () => {
    const files = audited.log.files();
    files.delete('tile/entries/001');
    const other = await fakePlatform(audited, files);
    try {
      const { out, ran } = await exportTo([], other);
      expect(ran.code).toBe(1);
      expect(JSON.parse(ran.err)).toMatchObject({ ok: false, code: 'tile-missing' });
      await expect(stat(join(out, 'log/checkpoint'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await verify(out)).toMatchObject({ code: 2 });
    } finally {
      await other.close();
    }
  });

  it('exports what a lying server gives, and verification refuses it', async () => {
    const files = audited.log.files();
    const bundle = Uint8Array.from(files.get('tile/entries/000') ?? []);
    bundle[900] = (bundle[900] ?? 0) ^ 1;
    const other = await fakePlatform(audited, files.set('tile/entries/000', bundle));
    try {
      const { out } = await exportTo([], other);
      expect(await verify(out)).toMatchObject({ code: 1, json: { findings: [{ code: 'log-corrupt' }] } });
    } finally {
      await other.close();
    }
  });

  it('never writes over anything', async () => {
    await writeFile(join(home, 'mine'), 'x');
    const ran = await run(['audit', 'export', '--out', home, '--server', server.url], { env: { STRONGROOM_HOME: home } });
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('file-exists');
    expect(await readdir(home)).toEqual(['mine']);
  });

  it('asks for a session before anything where documents are wanted', async () => {
    const { ran } = await exportTo(['--documents']);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(JSON.parse(ran.err)).toMatchObject({ code: 'not-signed-in', remedy: expect.stringContaining('login') });
  });

  it('refuses an expired session, and one of another server', async () => {
    await signIn(home, server, audited.world.people.requester.id, '2026-11-22T12:00:00Z');
    expect((await exportTo(['--documents'])).ran.err).toContain('expired');
    await signIn(home, { url: 'http://localhost:1' } as FakeServer, audited.world.people.requester.id);
    expect((await exportTo(['--documents'])).ran.err).toContain('nobody is signed in');
  });

  it('says that a server cannot be reached with its own exit code', async () => {
    const gone = await fakePlatform(audited);
    const { url } = gone;
    await gone.close();
    const ran = await run(['audit', 'export', '--out', join(home, 'x'), '--server', url], { env: { STRONGROOM_HOME: home } });
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('server-unreachable');
  });

  it('shows a refusal with reasons and remedies, and nothing that a terminal would act on', async () => {
    const refusing = await fakePlatform(audited);
    refusing.on('GET', /^\/log\/checkpoint$/, () => problem(403, 'access-denied', 'no \u001b[2Jway\u202e', { reasons: [{ code: 'quorum.incomplete', message: 'two\nfactors', remedy: 'ask \u0007security' }] }));
    try {
      const ran = await run(['audit', 'export', '--out', join(home, 'x'), '--server', refusing.url], { env: { STRONGROOM_HOME: home } });
      expect(ran).toMatchObject({ code: 1, err: 'access-denied: no \\u{1b}[2Jway\\u{202e}\n  quorum.incomplete: two\\u{a}factors\n    remedy: ask \\u{7}security\n  request urn:uuid:0\n' });
      const json = await run(['audit', 'export', '--json', '--out', join(home, 'x'), '--server', refusing.url], { env: { STRONGROOM_HOME: home } });
      expect(JSON.parse(json.err)).toMatchObject({ ok: false, code: 'access-denied', detail: 'no \u001b[2Jway\u202e' });
      expect(json.err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    } finally {
      await refusing.close();
    }
  });
});
