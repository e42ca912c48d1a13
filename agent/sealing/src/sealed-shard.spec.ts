import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sealShard } from './seal-shard.js';
import { openRange, SealedShard } from './sealed-shard.js';
import { SEGMENT_BYTES } from './segment-layout.js';
import { scratchFolder, seededBytes } from './testing/scratch.js';

const FIRST = SEGMENT_BYTES - 56;
const key = seededBytes('key', 32);
const associatedData = new Uint8Array([1]);
const plaintext = seededBytes('plaintext', 3 * SEGMENT_BYTES + 100);

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let file: string;
beforeAll(async () => {
  scratch = await scratchFolder();
  file = scratch.path('sealed');
  await writeFile(scratch.path('plain'), plaintext);
  await sealShard({ source: scratch.path('plain'), target: file, key, associatedData });
});
afterAll(() => scratch.remove());

describe('range reads', () => {
  it('give exactly the bytes asked for, wherever they lie', async () => {
    const shard = await SealedShard.open({ file, key, associatedData });
    try {
      expect(shard.plaintextBytes).toBe(plaintext.length);
      const near = fc.oneof(fc.nat({ max: plaintext.length }), fc.nat({ max: 4 }).map((n) => FIRST - 2 + n));
      await fc.assert(
        fc.asyncProperty(near, fc.nat({ max: plaintext.length }), async (offset, wanted) => {
          const length = Math.min(wanted, plaintext.length - offset);
          const bytes = await shard.read(offset, length);
          expect(Buffer.compare(bytes, plaintext.subarray(offset, offset + length))).toBe(0);
        }),
        { numRuns: 40 },
      );
    } finally {
      await shard.close();
    }
  });

  it('work in parallel on one open shard', async () => {
    const shard = await SealedShard.open({ file, key, associatedData });
    const reads = await Promise.all(Array.from({ length: 8 }, (_, i) => shard.read(i * 300_000, 200_000)));
    reads.forEach((bytes, i) => expect(Buffer.compare(bytes, plaintext.subarray(i * 300_000, i * 300_000 + 200_000))).toBe(0));
    await shard.close();
  });

  it('only touch the segments they need', async () => {
    const sealed = await import('node:fs/promises').then((fs) => fs.readFile(file));
    const damaged = Buffer.from(sealed);
    damaged.fill(0, 2 * SEGMENT_BYTES, 2 * SEGMENT_BYTES + 10); // segment 2
    await writeFile(scratch.path('damaged'), damaged);
    const at = (offset: number, length: number): Promise<Uint8Array> => openRange({ file: scratch.path('damaged'), key, associatedData, offset, length });
    expect(Buffer.compare(await at(10, 1000), plaintext.subarray(10, 1010))).toBe(0);
    await expect(at(2 * SEGMENT_BYTES + 5, 10)).rejects.toMatchObject({ code: 'seal-segment-authentication', segment: 2 });
  });

  it.each([
    [-1, 1],
    [0, -1],
    [0, plaintext.length + 1],
    [plaintext.length + 1, 0],
    [0.5, 1],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [Number.NaN, 1],
  ])('refuse the range %d+%d', async (offset, length) => {
    await expect(openRange({ file, key, associatedData, offset, length })).rejects.toMatchObject({ code: 'seal-range' });
  });

  it('end when the shard is closed', async () => {
    const shard = await SealedShard.open({ file, key, associatedData });
    const stream = shard.stream(0, plaintext.length);
    await stream.next();
    await shard.close();
    await shard.close();
    await expect(stream.next()).rejects.toMatchObject({ code: 'seal-closed' });
    await expect(shard.read(0, 1)).rejects.toMatchObject({ code: 'seal-closed' });
  });

  it('refuse a length the manifest does not give', async () => {
    await expect(SealedShard.open({ file, key, associatedData, ciphertextBytes: 1 })).rejects.toMatchObject({ code: 'seal-trailing' });
    await expect(SealedShard.open({ file: scratch.path('absent'), key, associatedData })).rejects.toMatchObject({ code: 'seal-io' });
  });

  it('work on an empty shard', async () => {
    await writeFile(scratch.path('nothing'), '');
    await sealShard({ source: scratch.path('nothing'), target: scratch.path('nothing.sealed'), key, associatedData });
    await expect(openRange({ file: scratch.path('nothing.sealed'), key, associatedData, offset: 0, length: 0 })).resolves.toEqual(new Uint8Array());
  });
});
