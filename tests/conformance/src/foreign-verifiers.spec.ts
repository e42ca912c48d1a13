import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  appendSignatures,
  createCosigner,
  createNoteSigner,
  DiskLogStorage,
  emptyEdge,
  formatCheckpoint,
  formatTlogProof,
  formatWitnessPolicy,
  parseWitnessPolicy,
  planAppend,
  signNote,
  TileReader,
} from '@strongroom/attestation-tlog';
import { buildProofVerifier, runProofVerifier } from './foreign/proof-verifier.js';
import { buildTesseraFsck, runTesseraFsck } from './foreign/tessera-fsck.js';

const fsck = await buildTesseraFsck();
const verifier = await buildProofVerifier();
for (const tool of [fsck, verifier]) if (tool.kind === 'unavailable') console.warn(`skipped: ${tool.reason}`);

const origin = 'audit.example/test/2026';
const signer = createNoteSigner({ name: origin, privateKey: generateKeyPairSync('ed25519').privateKey });
const witness = createCosigner({ name: 'witness.example/w', privateKey: generateKeyPairSync('ed25519').privateKey });
const batches = [1, 254, 1, 1, 300, 0, 90, 110];
const size = 757n;
let folder: string;
let log: string;

const entryOf = (index: number): Uint8Array => Buffer.from(JSON.stringify({ class_uid: 3005, n: index, text: 'x'.repeat(index % 700) }));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-foreign-'));
  log = join(folder, 'log');
  const storage = new DiskLogStorage(log);
  let edge = emptyEdge();
  let published: Uint8Array | undefined;
  for (const count of batches) {
    const plan = planAppend(edge, Array.from({ length: count }, (_, at) => entryOf(Number(edge.size) + at)));
    await storage.write(plan.files);
    const checkpoint = signNote(formatCheckpoint({ origin, size: plan.size, rootHash: plan.rootHash }), [signer]);
    await storage.replaceCheckpoint(published, checkpoint);
    await storage.prune(plan.superseded);
    published = checkpoint;
    edge = plan.edge;
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const describeFsck = fsck.kind === 'built' ? describe : describe.skip;
const program = fsck.kind === 'built' ? fsck.path : '';

describeFsck('Tessera fsck', () => {
  async function damaged(name: string, path: string, change: (bytes: Buffer) => Uint8Array | undefined): Promise<string> {
    const copy = join(folder, name);
    await cp(log, copy, { recursive: true });
    const bytes = change(await readFile(join(copy, path)));
    if (bytes === undefined) await rm(join(copy, path));
    else await writeFile(join(copy, path), bytes);
    return copy;
  }
  const flip = (at: number) => (bytes: Buffer): Uint8Array => bytes.map((byte, where) => (where === at ? byte ^ 1 : byte));

  it('accepts a log of ours, appended in uneven batches and pruned', async () => {
    const result = await runTesseraFsck({ program, log, vkey: signer.vkey });
    expect(result).toMatchObject({ isGood: true, size });
  });

  it.each([
    ['an entry changed', 'tile/entries/001', flip(50)],
    ['a hash changed', 'tile/0/000', flip(8000)],
    ['a hash of the upper level changed', 'tile/1/000.p/2', flip(3)],
    ['a partial tile changed', 'tile/0/002.p/245', flip(0)],
    ['a bundle missing', 'tile/entries/000', () => undefined],
    ['a tile missing', 'tile/0/001', () => undefined],
    ['a checkpoint of another key', 'checkpoint', () => signNote(formatCheckpoint({ origin, size, rootHash: new Uint8Array(32) }), [createNoteSigner({ name: origin, privateKey: generateKeyPairSync('ed25519').privateKey })])],
    ['a signed checkpoint of another root', 'checkpoint', () => signNote(formatCheckpoint({ origin, size, rootHash: new Uint8Array(32) }), [signer])],
  ] as const)('refuses the log with %s', async (what, path, change) => {
    const copy = await damaged(what.replaceAll(' ', '-'), path, change);
    expect((await runTesseraFsck({ program, log: copy, vkey: signer.vkey, timeoutMs: 20_000 })).isGood).toBe(false);
  }, 30_000);
});

const describeVerifier = verifier.kind === 'built' ? describe : describe.skip;
const proofProgram = verifier.kind === 'built' ? verifier.path : '';

describeVerifier('Torchwood', () => {
  async function judge(changes: { readonly index?: bigint; readonly entry?: Uint8Array; readonly cosigned?: boolean } = {}): Promise<boolean> {
    const storage = new DiskLogStorage(log);
    const checkpoint = (await storage.read('checkpoint')) ?? new Uint8Array();
    const note = changes.cosigned === false ? checkpoint : appendSignatures(checkpoint, [witness.cosign(checkpoint, 1_790_000_000)]);
    const hashes = await new TileReader((path) => storage.read(path)).inclusionProof(700n, size);
    const files = { policy: join(folder, 'policy.txt'), proof: join(folder, '700.tlog-proof'), entry: join(folder, '700.json') };
    await writeFile(files.policy, formatWitnessPolicy(parseWitnessPolicy(`log ${signer.vkey}\nwitness W ${witness.vkey}\nquorum W\n`)));
    await writeFile(files.proof, formatTlogProof({ index: changes.index ?? 700n, proof: hashes, checkpoint: note }));
    await writeFile(files.entry, changes.entry ?? entryOf(700));
    return runProofVerifier(proofProgram, files);
  }

  it('accepts our proof with our cosignature under our policy file', async () => {
    expect(await judge()).toBe(true);
  });

  it('refuses another entry, another index, and a checkpoint without the witness', async () => {
    expect(await judge({ entry: entryOf(701) })).toBe(false);
    expect(await judge({ index: 701n })).toBe(false);
    expect(await judge({ cosigned: false })).toBe(false);
  });
});
