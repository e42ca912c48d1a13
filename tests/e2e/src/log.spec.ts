import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTesseraFsck, runTesseraFsck } from '@strongroom/tests-conformance';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditVerify, exportLog } from './support/audit.js';
import { PATIENCE_MS, SETUP_MS, Stage } from './support/stage.js';

const fsck = await buildTesseraFsck();
if (fsck.kind === 'unavailable') console.warn(`Tessera's fsck is skipped: ${fsck.reason}`);

let stage: Stage | undefined;
let exported: string;
let damaged: string;
let vkey: string;

beforeAll(async () => {
  stage = await Stage.open({ evidence: 'software' });
  vkey = stage.people.anchors.log.vkey;
  const { agent } = stage.node('a');
  const asset = await stage.seal('a', await stage.model('log'));
  await stage.enlist('a');
  const { request, released } = await stage.open('a', { asset: asset.id, shards: asset.shards });
  await stage.platform.people.call('revoke', request, 'no longer needed');
  await agent.event('wiped', { where: ({ release }) => release === released.release, timeoutMs: PATIENCE_MS });
  exported = await exportLog(stage, 'export');
  damaged = join(stage.folder, 'damaged');
  await cp(exported, damaged, { recursive: true });
  await flipByte(await entryBundle(damaged));
}, SETUP_MS);
afterAll(async () => { await stage?.close(); }, PATIENCE_MS);

/** The first bundle of entries: whole, or the partial one of a small log. */
async function entryBundle(folder: string): Promise<string> {
  const entries = join(folder, 'log', 'tile', 'entries');
  const files = await readdir(entries, { recursive: true, withFileTypes: true });
  const [first] = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name)).sort();
  if (first === undefined) throw new Error(`there are no entries in ${entries}`);
  return first;
}

/** In the middle of the file, inside an entry's text. */
async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length >> 1;
  await writeFile(path, bytes.map((byte, where) => (where === at ? byte ^ 1 : byte)));
}

function running(): Stage {
  if (stage === undefined) throw new Error('the stage did not open');
  return stage;
}

describe('the log of a run, exported', () => {
  it('verifies offline with strongroom audit verify', async () => {
    const { code, output } = await auditVerify(running(), exported);
    expect(output).toContain('VERIFIED');
    expect(code).toBe(0);
  }, PATIENCE_MS);

  it('is refused by strongroom audit verify with one bit of an entry changed', async () => {
    const { code, output } = await auditVerify(running(), damaged);
    expect(code).not.toBe(0);
    expect(output).not.toMatch(/^VERIFIED/m);
  }, PATIENCE_MS);

  it('is refused by strongroom audit verify under another genesis than the one known', async () => {
    const { code } = await auditVerify(running(), exported, '--genesis-digest', `sha256:${'0'.repeat(64)}`);
    expect(code).not.toBe(0);
  }, PATIENCE_MS);
});

const withFsck = fsck.kind === 'built' ? describe : describe.skip;
const program = fsck.kind === 'built' ? fsck.path : '';

withFsck('the log of a run, to a program we did not write (Tessera’s fsck)', () => {
  it('is whole', async () => {
    const size = BigInt((await readFile(join(exported, 'log', 'checkpoint'), 'utf8')).split('\n')[1] ?? '');
    expect(size).toBeGreaterThan(10n);
    expect(await runTesseraFsck({ program, log: join(exported, 'log'), vkey })).toMatchObject({ isGood: true, size });
  }, PATIENCE_MS * 2);

  it('is not whole with one bit of an entry changed', async () => {
    expect((await runTesseraFsck({ program, log: join(damaged, 'log'), vkey, timeoutMs: 30_000 })).isGood).toBe(false);
  }, PATIENCE_MS);
});
