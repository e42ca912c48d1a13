import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  emptyEdge,
  parseTilePath,
  parseVkey,
  planAppend,
  TileReader,
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
  verifyLogFolder,
  type FetchFile,
  type LogFile,
  type NoteVerifier,
  type VerifiedCheckpoint,
} from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, readBytes, readText } from '../vectors.js';

/**
 * Whole logs by other writers: any folder with `checkpoint` and `tile/`, and `vkey.pub` there or one above.
 * Each `checkpoint*` must verify, the entries must give its root, proofs read from the tiles must hold, and our own writer, fed the
 * entries, must write every tile and bundle of the folder byte for byte. A folder whose name ends in `_fail` must be refused.
 */
export const tiledLogsSuite: Suite = {
  name: 'tlog-tiled-logs',
  folder: 'tlog',
  async run(root) {
    const files = await listFiles(root);
    const logs = files.filter((file) => /(^|\/)checkpoint$/.test(file)).map((file) => dirname(file));
    const cases: SuiteCase[] = [];
    for (const log of logs.filter((each) => files.some((file) => file.startsWith(`${each}/tile/`)))) {
      const mustFail = log.split('/').some((part) => part.endsWith('_fail'));
      cases.push(...(mustFail ? await refuseLog(root, log) : await acceptLog(root, log, files)));
    }
    return cases;
  },
};

async function refuseLog(root: string, log: string): Promise<SuiteCase[]> {
  const judge = async (): Promise<void> => {
    const checkpoint = await openCheckpoint(root, log, 'checkpoint', await keyOf(root, log));
    await verifyLogFolder(fetcher(join(root, log)), checkpoint);
  };
  return [{ case: log, expected: 'reject', got: await outcome(judge) }];
}

async function acceptLog(root: string, log: string, files: readonly string[]): Promise<SuiteCase[]> {
  const key = await keyOf(root, log);
  const fetchFile = fetcher(join(root, log));
  const names = (await readdir(join(root, log))).filter((name) => name.startsWith('checkpoint')).sort();
  const cases: SuiteCase[] = [];
  const opened: VerifiedCheckpoint[] = [];
  for (const name of names) {
    const got = await outcome(async () => {
      opened.push(await openCheckpoint(root, log, name, key));
    });
    cases.push({ case: `${log} ${name} signature`, expected: 'accept', got });
  }
  const checkpoints = [...new Map(opened.sort(bySize).map((each) => [each.size, each])).values()];
  for (const checkpoint of checkpoints) {
    const verify = async (): Promise<string> => hex((await verifyLogFolder(fetchFile, checkpoint)).rootHash);
    cases.push({ case: `${log} root from the entries at ${checkpoint.size}`, expected: hex(checkpoint.rootHash), got: await outcome(verify) });
    cases.push({ case: `${log} proofs at ${checkpoint.size}`, expected: 'accept', got: await outcome(() => verifyProofs(fetchFile, checkpoint, checkpoints)) });
  }
  const stored = files.filter((file) => file.startsWith(`${log}/tile/`)).map((file) => file.slice(log.length + 1));
  cases.push(...(await rewriteLog(fetchFile, checkpoints.map(({ size }) => size), stored, log)));
  return cases;
}

async function verifyProofs(fetchFile: FetchFile, checkpoint: VerifiedCheckpoint, all: readonly VerifiedCheckpoint[]): Promise<void> {
  const { size, rootHash } = checkpoint;
  const reader = new TileReader(fetchFile);
  for (const index of [0n, 1n, size / 2n, size - 1n].filter((each) => each >= 0n && each < size)) {
    const leaf = await reader.leafHashAt(index, size);
    verifyInclusion({ index, size, leafHash: leaf, rootHash, proof: await reader.inclusionProof(index, size) });
  }
  for (const old of all.filter((each) => each.size > 0n && each.size <= size)) {
    const proof = await reader.consistencyProof(old.size, size);
    verifyConsistency({ oldSize: old.size, newSize: size, oldRootHash: old.rootHash, newRootHash: rootHash, proof });
  }
}

/** Writes the log again, published at the same sizes, and compares every file with the stored one. */
async function rewriteLog(fetchFile: FetchFile, sizes: readonly bigint[], stored: readonly string[], log: string): Promise<SuiteCase[]> {
  const written = new Map<string, Uint8Array>();
  const reader = new TileReader(fetchFile);
  let edge = emptyEdge();
  for (const size of sizes) {
    const entries: Uint8Array[] = [];
    for (let index = edge.size; index < size; index += 1n) entries.push(await reader.entry(index, size));
    const plan = planAppend(edge, entries);
    plan.files.forEach((file: LogFile) => written.set(file.path, file.bytes));
    edge = plan.edge;
  }
  const cases: SuiteCase[] = [];
  for (const path of stored.filter(isTilePath)) {
    const original = await fetchFile(path);
    cases.push({ case: `${log} writes ${path}`, expected: describe(original), got: describe(written.get(path)) });
  }
  return cases;
}

async function openCheckpoint(root: string, log: string, name: string, key: NoteVerifier): Promise<VerifiedCheckpoint> {
  return verifyCheckpoint(await readBytes(root, log, name), { origin: key.name, log: key });
}

async function keyOf(root: string, log: string): Promise<NoteVerifier> {
  const own = await readText(root, log, 'vkey.pub').catch(() => readText(root, dirname(log), 'vkey.pub'));
  return parseVkey(own.trim());
}

function fetcher(folder: string): FetchFile {
  return async (path) => {
    try {
      return await readBytes(folder, path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
      throw cause;
    }
  };
}

function isTilePath(path: string): boolean {
  try {
    return parseTilePath(path).width > 0;
  } catch {
    return false;
  }
}

function bySize(a: VerifiedCheckpoint, b: VerifiedCheckpoint): number {
  return a.size < b.size ? -1 : a.size > b.size ? 1 : 0;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function describe(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : hex(bytes);
}
