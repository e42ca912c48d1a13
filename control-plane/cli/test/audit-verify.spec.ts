import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseCanonicalJson } from '@strongroom/attestation-encoding';
import type { ReleaseStatement } from '@strongroom/control-plane-contract';
import { auditedWorld, exportFiles, NOW, type AuditedWorld } from './support/audited-world.js';
import { SealedLog, writeFiles } from './support/sealed-log.js';
import { run, type Ran } from './support/test-io.js';

type Files = Map<string, string | Uint8Array>;

let scratch: string;
let audited: AuditedWorld;
let folders = 0;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'strongroom-cli-'));
  audited = await auditedWorld({ padding: 300 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function verify(files: Files, args: readonly string[] = [], world = audited): Promise<Ran> {
  const folder = join(scratch, `export-${(folders += 1)}`);
  await writeFiles(folder, files);
  return run(['audit', 'verify', folder, '--genesis-digest', world.world.genesis.digest, '--json', ...args], { env: { STRONGROOM_HOME: scratch }, now: NOW });
}

function codes(ran: Ran): string[] {
  return [...new Set((ran.json['findings'] as { code: string }[]).map(({ code }) => code))];
}

/** Seals the audited world's events again, each passed through `change`; undefined leaves one out as a sequencer would never know. */
function resealed(change: (index: number) => boolean): Map<string, Uint8Array> {
  return audited.log.files(audited.log.entries.filter((_, index) => change(index)));
}

describe('audit verify', () => {
  it('verifies a genuine export, with the people behind its release', async () => {
    const ran = await verify(exportFiles(audited), ['--documents']);
    expect(ran.json).toMatchObject({ ok: true, findings: [], summary: { releases: 1, manifests: 1, heartbeats: 3, approvals_verified: 2, policy_redecided: false, size: String(audited.log.entries.length) } });
    expect(ran.code).toBe(0);
  });

  it('says in words what it verified, and what not', async () => {
    const folder = join(scratch, 'words');
    await writeFiles(folder, exportFiles(audited));
    const ran = await run(['audit', 'verify', folder, '--genesis-digest', audited.world.genesis.digest], { env: { STRONGROOM_HOME: scratch }, now: NOW });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('VERIFIED');
    expect(ran.out).toContain('policy decided again  no');
    expect(ran.out).toContain('development (nothing in it protects real weights)');
  });

  it('verifies a bare log folder, as it lies on the server', async () => {
    const folder = join(scratch, 'bare');
    await writeFiles(folder, audited.log.files());
    await writeFiles(join(scratch, 'beside'), [['a.json', JSON.stringify(audited.world.anchors.envelope)], ['g.json', JSON.stringify(audited.world.genesis.envelope)]]);
    const ran = await run(['audit', 'verify', folder, '--json', '--anchors', join(scratch, 'beside/a.json'), '--genesis', join(scratch, 'beside/g.json'), '--anchors-digest', audited.world.anchors.digest, '--genesis-digest', audited.world.genesis.digest], { now: NOW });
    expect(ran).toMatchObject({ code: 0, json: { ok: true } });
  });

  describe('refuses', () => {
    const tampered: readonly (readonly [string, (files: Files) => Files, string])[] = [
      ['an entry with one flipped byte', (files) => flip(files, 'log/tile/entries/000', 5000), 'log-corrupt'],
      ['a tile with one flipped byte', (files) => flip(files, 'log/tile/0/000', 40), 'log-corrupt'],
      ['a dropped tile', (files) => without(files, 'log/tile/0/000'), 'tile-missing'],
      ['a dropped bundle', (files) => without(files, 'log/tile/entries/000'), 'tile-missing'],
      ['a truncated bundle', (files) => files.set('log/tile/entries/000', bytesOf(files, 'log/tile/entries/000').subarray(0, -1)), 'bundle-malformed'],
      ['an added byte', (files) => files.set('log/tile/entries/000', new Uint8Array(Buffer.concat([bytesOf(files, 'log/tile/entries/000'), Buffer.of(0)]))), 'bundle-malformed'],
      ['a checkpoint of another size', (files) => files.set('log/checkpoint', audited.log.files(audited.log.entries.slice(0, -1)).get('checkpoint') ?? ''), 'tile-missing'],
      ['a checkpoint of a fork of the same size', (files) => files.set('log/checkpoint', audited.log.files([...audited.log.entries.slice(0, -1), Buffer.from('{}')]).get('checkpoint') ?? ''), 'log-corrupt'],
      ['a checkpoint by another key', (files) => files.set('log/checkpoint', audited.log.files(audited.log.entries, audited.world.keys.stranger).get('checkpoint') ?? ''), 'note-unverified'],
      ['a checkpoint whose text was changed', (files) => flip(files, 'log/checkpoint', audited.log.origin.length + 1), 'note-signature-invalid'],
      ['a checkpoint that is none', (files) => files.set('log/checkpoint', 'hello'), 'note-malformed'],
      ['a checkpoint of an empty log', (files) => files.set('log/checkpoint', audited.log.files([]).get('checkpoint') ?? ''), 'log-empty'],
    ];
    it.each(tampered)('%s', async (_name, tamper, code) => {
      const ran = await verify(tamper(exportFiles(audited)));
      expect(codes(ran)).toEqual([code]);
      expect(ran).toMatchObject({ code: 1, json: { ok: false } });
    });

    it('a log whose own key signed it again without an event', async () => {
      // The third sign-in of one person: its chain goes on after it.
      const ran = await verify(exportFiles(audited, resealed((index) => index !== 30)));
      expect(codes(ran)).toEqual(expect.arrayContaining(['chain-broken', 'entry-misplaced']));
      expect(ran.code).toBe(1);
    });

    it('a log whose own key signed it again with the end of a chain cut off', async () => {
      const log = new SealedLog(audited.log.origin, audited.log.key);
      log.append({ code: 'genesis', chains: ['log'], statement: genesisStatement() });
      log.append({ code: 'sign-in', chains: ['person/1'] });
      log.append({ code: 'sign-in', chains: ['person/1'] });
      log.heartbeat();
      const cut = log.entries.filter((_, index) => index !== 2).map((entry, index) => renumber(entry, index));
      const ran = await verify(exportFiles(audited, log.files(cut)));
      expect(codes(ran)).toEqual(['chain-root-mismatch']);
    });

    it('an event that was changed after it was logged, in a log signed again', async () => {
      const entries = audited.log.entries.map((entry, index) => (index === 40 ? changed(entry, (value) => ({ ...value, message: 'nothing happened' })) : entry));
      expect(codes(await verify(exportFiles(audited, audited.log.files(entries))))).toEqual(['chain-broken']);
    });

    it('an entry that is no event', async () => {
      expect(codes(await verify(exportFiles(audited, audited.log.files([...audited.log.entries, Buffer.from('{"b":1,"a":2}')]))))).toEqual(['entry-malformed']);
    });

    it('a log with another genesis, or a second one', async () => {
      const late = new SealedLog(audited.log.origin, audited.log.key);
      late.append({ code: 'sign-in', chains: ['log'] });
      late.append({ code: 'genesis', chains: ['log'], statement: genesisStatement() });
      expect(codes(await verify(exportFiles(audited, late.files())))).toEqual(['genesis-not-first', 'genesis-repeated']);
      const other = new SealedLog(audited.log.origin, audited.log.key);
      other.append({ code: 'genesis', chains: ['log'], statement: { ...genesisStatement(), genesis_digest: `sha256:${'0'.repeat(64)}` } });
      expect(codes(await verify(exportFiles(audited, other.files())))).toEqual(['genesis-not-first']);
    });
  });

  describe('holds a log against what was seen earlier', () => {
    const earlier = async (files: Map<string, Uint8Array>): Promise<string> => {
      const folder = join(scratch, `earlier-${(folders += 1)}`);
      await writeFiles(folder, files);
      return folder;
    };

    it('accepts its continuation, given as export or as checkpoint', async () => {
      const folder = await earlier(audited.log.files(audited.log.entries.slice(0, 270)));
      expect(await verify(exportFiles(audited), ['--previous', folder])).toMatchObject({ code: 0 });
      expect(await verify(exportFiles(audited), ['--previous', join(folder, 'checkpoint')])).toMatchObject({ code: 0 });
    });

    it('refuses a fork that the same key signed', async () => {
      const fork = new SealedLog(audited.log.origin, audited.log.key);
      fork.append({ code: 'genesis', chains: ['log'], statement: genesisStatement() });
      fork.heartbeat();
      fork.append({ code: 'sign-in', chains: ['person/1'] });
      const folder = await earlier(audited.log.files(audited.log.entries.slice(0, 3)));
      expect(codes(await verify(exportFiles(audited, fork.files()), ['--previous', folder]))).toEqual(['log-fork']);
    });

    it('refuses an older copy: a log truncated to an earlier checkpoint looks whole by itself', async () => {
      const old = exportFiles(audited, audited.log.files(audited.log.entries.slice(0, 270)));
      expect(await verify(old)).toMatchObject({ code: 0 });
      expect(codes(await verify(old, ['--previous', await earlier(audited.log.files())]))).toEqual(['log-rolled-back']);
      expect(codes(await verify(old, ['--until', '2026-11-22T10:05:10Z']))).toEqual(['log-too-short']);
    });

    it('refuses an earlier checkpoint that another key signed', async () => {
      const folder = await earlier(audited.log.files(audited.log.entries.slice(0, 3), audited.world.keys.stranger));
      expect(codes(await verify(exportFiles(audited), ['--previous', folder]))).toEqual(['note-unverified']);
    });
  });

  describe('refuses a release', () => {
    const changedRelease: readonly (readonly [string, Parameters<typeof auditedWorld>[0], string])[] = [
      ['whose manifest was not logged', { without: ['manifest'] }, 'release-manifest-not-logged'],
      ['whose roster was not logged', { without: ['roster'] }, 'release-document-not-logged'],
      ['whose enclave was not logged', { without: ['enclave'] }, 'release-document-not-logged'],
      ['of other bytes than policy allowed', { change: (s) => ({ ...s, bytes: s.bytes + 1 }) }, 'release-input-mismatch'],
      ['of other shards', { change: (s) => ({ ...s, shards: [1] }) }, 'release-input-mismatch'],
      ['over evidence that was not affirmed', { change: (s) => withInput(s, (i) => ({ ...i, attestation: { ...(i['attestation'] as object), status: 'warning' } })) }, 'release-input-mismatch'],
      ['with no attestation at all', { change: (s) => withInput(s, ({ attestation: _, ...rest }) => rest) }, 'release-input-mismatch'],
      ['with one approver twice', { change: (s) => ({ ...s, approvals: s.approvals.map((a) => ({ ...a, approver: s.approvals[0]?.approver ?? '' })) }) }, 'release-quorum'],
      ['with one approval only', { change: (s) => ({ ...s, approvals: s.approvals.slice(0, 1) }) }, 'release-quorum'],
      ['approved by its requester', { change: (s) => withInput(s, (i) => ({ ...i, request: { ...(i['request'] as object), requested_by: s.approvals[0]?.approver } })) }, 'release-quorum'],
      ['whose manifest asks for nobody', { change: (s) => withInput(s, (i) => ({ ...i, asset: { ...(i['asset'] as { manifest: object }), manifest: { ...(i['asset'] as { manifest: object }).manifest, factors: {} } } })) }, 'release-quorum'],
      ['of another tenant', { change: (s) => ({ ...s, tenant: 'other' }) }, 'release-malformed'],
    ];
    it.each(changedRelease)('%s', async (_name, options, code) => {
      const world = await auditedWorld(options);
      expect(codes(await verify(exportFiles(world), [], world))).toContain(code);
    });

    it('that is logged twice, or carries no statement', async () => {
      const world = await auditedWorld();
      world.log.append({ code: 'key-release', chains: ['policy'], statement: world.statement });
      world.log.append({ code: 'key-release', chains: ['policy'] });
      expect(codes(await verify(exportFiles(world), [], world))).toEqual(['release-repeated', 'release-malformed']);
    });
  });

  describe('with --documents refuses', () => {
    const request = () => `requests/${audited.request.id}.json`;
    const edited = (files: Files, edit: (view: Record<string, unknown>) => unknown): Files => files.set(request(), JSON.stringify(edit(JSON.parse(String(files.get(request()))) as Record<string, unknown>)));
    const cases: readonly (readonly [string, (files: Files) => Files, string])[] = [
      ['a missing request', (files) => without(files, request()), 'document-missing'],
      ['a missing roster', (files) => without(files, `documents/roster-${audited.statement.roster_digest.slice(7)}.json`), 'document-missing'],
      ['a request changed afterwards', (files) => edited(files, (view) => ({ ...view, request: { ...(view['request'] as object), max_uses: 9 } })), 'document-mismatch'],
      ['an approval taken away', (files) => edited(files, (view) => ({ ...view, approvals: (view['approvals'] as unknown[]).slice(1) })), 'document-mismatch'],
      ['an approval with a forged signature', (files) => edited(files, (view) => ({ ...view, approvals: (view['approvals'] as { assertion: object }[]).map((a, i, all) => ({ ...a, assertion: { ...a.assertion, signature: (all[1 - i] as { assertion: { signature: string } }).assertion.signature } })) })), 'approval-signature'],
      ['an approval for another purpose', (files) => edited(files, (view) => ({ ...view, approvals: (view['approvals'] as { statement: object }[]).map((a) => ({ ...a, statement: { ...a.statement, purpose: 'migration' } })) })), 'approval-challenge'],
      ['a roster nobody signed', (files) => files.set(`documents/roster-${audited.statement.roster_digest.slice(7)}.json`, JSON.stringify(audited.world.signRoster((r) => r, [audited.world.keys.stranger]))), 'statement-signature'],
      ['a newer roster in place of the one named', (files) => files.set(`documents/roster-${audited.statement.roster_digest.slice(7)}.json`, JSON.stringify(audited.world.signRoster((r) => ({ ...r, version: 2 })))), 'document-mismatch'],
      ['a request that is none', (files) => files.set(request(), '[]'), 'statement-malformed'],
    ];
    it.each(cases)('%s', async (_name, tamper, code) => {
      const ran = await verify(tamper(exportFiles(audited)), ['--documents']);
      expect(codes(ran)).toContain(code);
      expect(ran.code).toBe(1);
    });
  });

  describe('believes nobody who is not pinned', () => {
    const folder = async (): Promise<string> => {
      const place = join(scratch, `pins-${(folders += 1)}`);
      await writeFiles(place, exportFiles(audited));
      return place;
    };
    it('refuses without any pin, though anchors lie beside the log', async () => {
      const ran = await run(['audit', 'verify', await folder()], { env: { STRONGROOM_HOME: scratch }, now: NOW });
      expect(ran).toMatchObject({ code: 2, out: '' });
      expect(ran.err).toContain('trust-not-pinned');
    });
    it.each([
      ['another genesis digest', () => ['--genesis-digest', `sha256:${'0'.repeat(64)}`], 1, 'genesis-mismatch'],
      ['another anchors digest', () => ['--genesis-digest', audited.world.genesis.digest, '--anchors-digest', `sha256:${'0'.repeat(64)}`], 1, 'genesis-mismatch'],
      ['an anchors digest alone', () => ['--anchors-digest', audited.world.anchors.digest], 2, 'trust-not-pinned'],
      ['a malformed digest', () => ['--genesis-digest', 'sha256:0'], 2, 'usage'],
      ['expired anchors', () => ['--genesis-digest', audited.world.genesis.digest, '--at', '2031-01-01T00:00:00Z'], 1, 'statement-expired'],
      ['an odd instant', () => ['--genesis-digest', audited.world.genesis.digest, '--at', 'now'], 2, 'usage'],
    ])('refuses %s', async (_name, args, code, text) => {
      const ran = await run(['audit', 'verify', await folder(), ...args()], { env: { STRONGROOM_HOME: scratch }, now: NOW });
      expect(ran.code).toBe(code);
      expect(ran.err).toContain(text);
    });
    it('refuses anchors of somebody else beside the log', async () => {
      const { createWorld } = await import('@strongroom/tests-fixtures');
      const other = await createWorld({ now: () => NOW, seed: 'another world' });
      const ran = await verify(exportFiles(audited).set('anchors.json', JSON.stringify(other.anchors.envelope)));
      expect(ran.code).toBe(1);
      expect(ran.err).toContain('anchors-untrusted');
    });
    it('refuses a folder that is no export', async () => {
      const ran = await run(['audit', 'verify', scratch, '--genesis-digest', audited.world.genesis.digest]);
      expect(ran).toMatchObject({ code: 2 });
      expect(ran.err).toContain('file-missing');
    });
  });
});

function genesisStatement(): Record<string, unknown> {
  const { digest, envelope } = audited.world.genesis;
  return { type: 'strongroom/log/genesis/v1', genesis_digest: digest, envelope };
}

function bytesOf(files: Files, path: string): Uint8Array {
  const found = files.get(path);
  if (found === undefined) throw new RangeError(`no ${path}`);
  return new Uint8Array(Buffer.from(found));
}

function flip(files: Files, path: string, at: number): Files {
  const bytes = Uint8Array.from(bytesOf(files, path));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return files.set(path, bytes);
}

function without(files: Files, path: string): Files {
  if (!files.delete(path)) throw new RangeError(`no ${path}`);
  return files;
}

function changed(entry: Uint8Array, change: (value: Record<string, unknown>) => unknown): Uint8Array {
  return new Uint8Array(Buffer.from(canonical(change(parseCanonicalJson(entry, 65_535) as Record<string, unknown>))));
}

function renumber(entry: Uint8Array, index: number): Uint8Array {
  return changed(entry, (value) => ({ ...value, metadata: { ...(value['metadata'] as object), sequence: index } }));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, at: unknown) => (typeof at === 'object' && at !== null && !Array.isArray(at) ? Object.fromEntries(Object.entries(at).sort(([a], [b]) => (a < b ? -1 : 1))) : at));
}

function withInput(statement: ReleaseStatement, change: (input: Record<string, unknown>) => Record<string, unknown>): ReleaseStatement {
  return { ...statement, input: change(statement.input) };
}
