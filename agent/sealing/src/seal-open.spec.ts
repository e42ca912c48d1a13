import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openShard } from './open-shard.js';
import { sealShard } from './seal-shard.js';
import { SEGMENT_BYTES } from './segment-layout.js';
import type { ShardProgress } from './shard-pass.js';
import { scratchFolder, seededBytes, sha256Of } from './testing/scratch.js';

const FIRST = SEGMENT_BYTES - 56;
const FULL = SEGMENT_BYTES - 16;
const key = seededBytes('key', 32);
const associatedData = new TextEncoder().encode('{"shard":0}');

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => void (scratch = await scratchFolder()));
afterAll(() => scratch.remove());

async function roundTrip(plaintext: Uint8Array): Promise<void> {
  const [source, sealed, opened] = ['plain', 'sealed', 'opened'].map(scratch.path) as [string, string, string];
  await writeFile(source, plaintext);
  const summary = await sealShard({ source, target: sealed, key, associatedData });
  const ciphertext = await readFile(sealed);
  expect(summary).toEqual({
    plaintextBytes: plaintext.length,
    ciphertextBytes: ciphertext.length,
    plaintextDigest: sha256Of(plaintext),
    ciphertextDigest: sha256Of(ciphertext),
  });
  expect(await openShard({ source: sealed, target: opened, key, associatedData, expected: summary })).toEqual(summary);
  expect(Buffer.compare(await readFile(opened), plaintext)).toBe(0);
}

describe('sealing and opening', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL - 1, FIRST + FULL, FIRST + FULL + 1, 3 * SEGMENT_BYTES])(
    'gives back %i bytes and both digests',
    async (length) => roundTrip(seededBytes('plaintext', length)),
  );

  it('gives back any length', async () => {
    const length = fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: 3 * SEGMENT_BYTES }), fc.nat({ max: 40 }).map((n) => FIRST + FULL - 20 + n));
    await fc.assert(fc.asyncProperty(length, fc.string(), async (n, seed) => roundTrip(seededBytes(seed, n))), { numRuns: 30 });
  });

  it('never seals the same plaintext to the same bytes', async () => {
    const [source, one, two] = ['same', 'one', 'two'].map(scratch.path) as [string, string, string];
    await writeFile(source, seededBytes('same', 100));
    await sealShard({ source, target: one, key, associatedData });
    await sealShard({ source, target: two, key, associatedData });
    expect((await readFile(one)).subarray(1)).not.toEqual((await readFile(two)).subarray(1));
  });

  it('reports every segment, and the file is private', async () => {
    const source = scratch.path('progress');
    await writeFile(source, seededBytes('p', FIRST + FULL));
    const seen: ShardProgress[] = [];
    await sealShard({ source, target: scratch.path('progress.sealed'), key, associatedData, onProgress: (p) => seen.push(p) });
    expect(seen).toEqual([
      { doneBytes: FIRST, totalBytes: FIRST + FULL },
      { doneBytes: FIRST + FULL, totalBytes: FIRST + FULL },
    ]);
    expect((await stat(scratch.path('progress.sealed'))).mode & 0o777).toBe(0o600);
  });

  it('refuses a source that grows while it is read, and leaves nothing', async () => {
    const source = scratch.path('growing');
    const plaintext = seededBytes('g', 10);
    await writeFile(source, plaintext);
    let grown = false;
    const onProgress = (): void => void (grown = true);
    const sealing = sealShard({
      source,
      target: scratch.path('growing.sealed'),
      key,
      associatedData,
      onProgress,
      files: await filesGrowing(source, Buffer.concat([plaintext, plaintext])),
    });
    await expect(sealing).rejects.toMatchObject({ code: 'seal-source-changed' });
    expect(grown).toBe(true);
    expect((await scratch.names()).filter((name) => name.includes('growing.sealed'))).toEqual([]);
  });

  it('refuses a key of another length', async () => {
    await writeFile(scratch.path('plain'), 'x');
    for (const bad of [new Uint8Array(), new Uint8Array(16), new Uint8Array(33)]) {
      const sealing = sealShard({ source: scratch.path('plain'), target: scratch.path('bad-key'), key: bad, associatedData });
      await expect(sealing).rejects.toMatchObject({ code: 'seal-key-malformed' });
    }
    expect(await scratch.names()).not.toContain('bad-key');
  });

  it('stops when told to, and says when there is nothing to read', async () => {
    await writeFile(scratch.path('plain'), 'x');
    const target = scratch.path('stopped');
    await expect(sealShard({ source: scratch.path('plain'), target, key, associatedData, signal: { aborted: true } })).rejects.toMatchObject({ code: 'seal-aborted' });
    await expect(sealShard({ source: scratch.path('absent'), target, key, associatedData })).rejects.toMatchObject({ code: 'seal-io' });
    expect((await scratch.names()).filter((name) => name.includes('stopped'))).toEqual([]);
  });
});

/** The real files, except that the source has grown once it was opened and measured. */
async function filesGrowing(source: string, grown: Uint8Array): Promise<typeof import('./durable-file.js').nodeFiles> {
  const { nodeFiles } = await import('./durable-file.js');
  return {
    ...nodeFiles,
    open: async (path, flags, mode) => {
      if (flags === 'wx') await writeFile(source, grown);
      return nodeFiles.open(path, flags, mode);
    },
  };
}
