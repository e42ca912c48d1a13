import { describe, expect, it } from '@jest/globals';
import { formatEntries, parseEntries } from './entry-bundle.js';
import { MemoryLog, testEntries } from './fakes/memory-log.js';
import { verifyLogFolder } from './fsck.js';
import { emptyRootHash, leafHash } from './merkle.js';
import { parseTilePath, tileWidth } from './tile-path.js';
import { TileReader } from './tile-reader.js';
import { emptyEdge, planAppend, readEdge } from './tile-writer.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const sorted = (log: MemoryLog): string[] => [...log.files.keys()].sort();

function logOf(...batches: readonly number[]): MemoryLog {
  const log = new MemoryLog();
  for (const count of batches) log.append(testEntries(Number(log.size), count));
  return log;
}

describe('planAppend', () => {
  it('writes the tiles that each size needs: full ones, and one partial at each level', () => {
    expect(sorted(logOf(1))).toEqual(['tile/0/000.p/1', 'tile/entries/000.p/1']);
    expect(sorted(logOf(256))).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000']);
    expect(sorted(logOf(600))).toEqual([
      'tile/0/000', 'tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2', 'tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/88',
    ]);
  });

  it('gives one log for one sequence of entries, however they are batched', () => {
    const whole = logOf(1300);
    const parts = logOf(1, 254, 1, 1, 0, 256, 300, 487);
    expect(parts.size).toBe(1300n);
    expect(parts.rootHash).toEqual(whole.rootHash);
    for (const [path, bytes] of whole.files) expect(parts.files.get(path)).toEqual(bytes);
  });

  it('has every tile of every size that was published', async () => {
    const log = logOf(100, 200, 5, 207, 256, 3);
    for (const [size, rootHash] of log.rootHashes) {
      expect((await verifyLogFolder(log.fetchFile, { size, rootHash })).rootHash).toEqual(rootHash);
    }
  });

  it('writes nothing for no entries, and leaves the old edge as it was', () => {
    const { edge } = planAppend(emptyEdge(), testEntries(0, 300));
    const before = JSON.stringify(edge.tiles.map((hashes) => hashes.map((hash) => Buffer.from(hash).toString('hex'))));
    expect(planAppend(edge, []).files).toEqual([]);
    const first = planAppend(edge, testEntries(300, 300));
    expect(planAppend(edge, testEntries(300, 300))).toEqual(first);
    expect(JSON.stringify(edge.tiles.map((hashes) => hashes.map((hash) => Buffer.from(hash).toString('hex'))))).toBe(before);
    expect(planAppend(emptyEdge(), []).rootHash).toEqual(emptyRootHash());
  });

  it('writes files for the batch, not for the log', () => {
    const { edge } = planAppend(emptyEdge(), testEntries(0, 70_000));
    expect(planAppend(edge, testEntries(70_000, 1)).files.map(({ path }) => path)).toEqual(['tile/0/273.p/113', 'tile/entries/273.p/113']);
  });

  it('names the partial tiles that it filled up', () => {
    const { edge } = planAppend(emptyEdge(), testEntries(0, 250));
    expect(planAppend(edge, testEntries(250, 5)).superseded).toEqual([]);
    expect(planAppend(edge, testEntries(250, 300)).superseded).toEqual(['tile/0/000.p', 'tile/entries/000.p']);
    expect(planAppend(emptyEdge(), testEntries(0, 300)).superseded).toEqual([]);
  });

  it('accepts entries of 0 and 65,535 bytes and refuses one more', () => {
    const plan = planAppend(emptyEdge(), [new Uint8Array(), new Uint8Array(65_535)]);
    expect(plan.leafHashes).toEqual([leafHash(new Uint8Array()), leafHash(new Uint8Array(65_535))]);
    expect(() => planAppend(emptyEdge(), [new Uint8Array(65_536)])).toThrow(code('entry-too-large'));
  });
});

describe('readEdge', () => {
  it('takes a log up again at any published size', async () => {
    const log = logOf(255, 1, 1, 300, 70);
    const whole = logOf(700);
    for (const [size, rootHash] of log.rootHashes) {
      const edge = await readEdge(log.fetchFile, { size, rootHash });
      expect(planAppend(edge, testEntries(Number(size), 700 - Number(size))).rootHash).toEqual(whole.rootHash);
    }
  });

  it('refuses an edge that does not give the root, or whose bundle is not under its tile', async () => {
    const log = logOf(300);
    const expected = { size: 300n, rootHash: log.rootHash };
    await expect(readEdge(log.fetchFile, { ...expected, rootHash: emptyRootHash() })).rejects.toThrow(code('edge-mismatch'));
    for (const path of ['tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/001.p/44']) {
      const honest = log.files.get(path) ?? new Uint8Array();
      log.files.set(path, honest.map((byte, at) => (at === honest.length - 1 ? byte ^ 1 : byte)));
      await expect(readEdge(log.fetchFile, expected)).rejects.toThrow(code('edge-mismatch'));
      log.files.delete(path);
      await expect(readEdge(log.fetchFile, expected)).rejects.toThrow(code('tile-missing'));
      log.files.set(path, honest);
    }
  });
});

describe('TileReader', () => {
  it('reads entries, leaves and roots, and falls back to the full tile', async () => {
    const log = logOf(100, 500);
    for (const path of log.files.keys()) if (path.includes('000.p/') && !path.startsWith('tile/1')) log.files.delete(path);
    const root = log.rootHashes.get(100n);
    expect(await log.reader.rootHash(100n)).toEqual(root);
    expect(Buffer.from(await log.reader.entry(99n, 100n)).toString()).toBe('entry 99');
    expect(await log.reader.leafHashAt(7n, 600n)).toEqual(leafHash(Buffer.from('entry 7')));
    expect(await log.reader.rootHash(0n)).toEqual(emptyRootHash());
    expect(await log.reader.consistencyProof(0n, 600n)).toEqual([]);
  });

  it('refuses places outside the log', async () => {
    const { reader } = logOf(10);
    for (const ask of [() => reader.entry(10n, 10n), () => reader.inclusionProof(10n, 10n), () => reader.leafHashAt(-1n, 10n), () => reader.consistencyProof(11n, 10n), () => reader.tile(1, 0n, 10n), () => reader.entries(1n, 10n)]) {
      await expect(ask()).rejects.toThrow(code('merkle-range'));
    }
  });

  it('refuses missing and misshapen files', async () => {
    const log = logOf(300);
    log.files.delete('tile/0/000');
    await expect(log.reader.rootHash(256n)).resolves.toBeDefined();
    await expect(log.reader.leafHashAt(0n, 300n)).rejects.toThrow(code('tile-missing'));
    log.files.set('tile/0/000', new Uint8Array(8191));
    await expect(log.reader.leafHashAt(0n, 300n)).rejects.toThrow(code('tile-malformed'));
    log.files.set('tile/entries/000', new Uint8Array(1));
    await expect(log.reader.entry(0n, 300n)).rejects.toThrow(code('bundle-malformed'));
  });

  it('passes on a failure of the store, and does not take it for an absent file', async () => {
    const reader = new TileReader(() => Promise.reject(new Error('disk on fire')));
    await expect(reader.rootHash(3n)).rejects.toThrow('disk on fire');
  });
});

describe('entry bundles', () => {
  it('are refused when they end early or go on', () => {
    const bundle = formatEntries(testEntries(0, 3));
    expect(parseEntries(bundle, 3)).toEqual(testEntries(0, 3));
    expect(parseEntries(bundle, 2, { allowMore: true })).toEqual(testEntries(0, 2));
    for (const [bytes, count] of [[bundle, 2], [bundle, 4], [bundle.slice(0, -1), 3], [bundle.slice(0, 1), 1], [new Uint8Array(), 1]] as const) {
      expect(() => parseEntries(bytes, count)).toThrow(code('bundle-malformed'));
    }
    expect(() => parseEntries(new Uint8Array(256 * 65_537 + 1), 1)).toThrow(code('bundle-malformed'));
  });
});

describe('verifyLogFolder', () => {
  const log = logOf(400, 200);
  const checkpoint = { size: 600n, rootHash: log.rootHash };

  it('recomputes every file and shows every entry in order', async () => {
    const seen: string[] = [];
    const result = await verifyLogFolder(log.fetchFile, checkpoint, { onEntry: ({ index, bytes }) => void seen.push(`${index} ${Buffer.from(bytes).toString()}`) });
    expect(result).toEqual({ size: 600n, rootHash: log.rootHash, filesVerified: 7 });
    expect(seen).toHaveLength(600);
    expect(seen[599]).toBe('599 entry 599');
  });

  it('accepts an older checkpoint whose partial tiles were removed', async () => {
    const pruned = new Map([...log.files].filter(([path]) => !path.includes('001.p/')));
    await verifyLogFolder((path) => Promise.resolve(pruned.get(path)), { size: 400n, rootHash: log.rootHashes.get(400n) ?? new Uint8Array() });
  });

  it('refuses one flipped byte in any file it needs, and any of them missing', async () => {
    const needed = [...log.files.keys()].filter((path) => {
      const place = parseTilePath(path);
      return place.width === tileWidth(600n, place.kind === 'tile' ? place.level : 0, place.index);
    });
    expect(needed).toHaveLength(7);
    for (const path of needed) {
      const bytes = log.files.get(path) ?? new Uint8Array();
      for (const at of [0, 40, bytes.length - 1]) {
        const flipped = new Map(log.files).set(path, bytes.map((byte, where) => (where === at ? byte ^ 4 : byte)));
        await expect(verifyLogFolder((wanted) => Promise.resolve(flipped.get(wanted)), checkpoint)).rejects.toThrow(/is not what the entries give|bundle/);
      }
      const missing = new Map(log.files);
      missing.delete(path);
      await expect(verifyLogFolder((wanted) => Promise.resolve(missing.get(wanted)), checkpoint)).rejects.toThrow(code('tile-missing'));
    }
  });

  it('refuses a log cut short, or rewritten together with its tiles', async () => {
    const rewritten = new MemoryLog();
    rewritten.append(testEntries(1, 600));
    await expect(verifyLogFolder(rewritten.fetchFile, checkpoint)).rejects.toThrow(code('log-corrupt'));
    await expect(verifyLogFolder(logOf(599).fetchFile, checkpoint)).rejects.toThrow(code('tile-missing'));
    await expect(verifyLogFolder(log.fetchFile, { size: 0n, rootHash: log.rootHash })).rejects.toThrow(code('log-corrupt'));
  });
});
