import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openShard } from './open-shard.js';
import { sealShard } from './seal-shard.js';
import { SealedShard } from './sealed-shard.js';
import { SEGMENT_BYTES } from './segment-layout.js';
import type { SealingErrorCode } from './errors.js';
import type { ShardSummary } from './shard-summary.js';
import { scratchFolder, seededBytes } from './testing/scratch.js';

const FIRST = SEGMENT_BYTES - 56;
const FULL = SEGMENT_BYTES - 16;
const LAST = 1000;
const key = seededBytes('key', 32);
const associatedData = new TextEncoder().encode('{"shard":0}');

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let sealed: Buffer; // three segments, the last one short
let aligned: Buffer; // two segments, both full
let summary: ShardSummary;

beforeAll(async () => {
  scratch = await scratchFolder();
  const source = scratch.path('plain');
  await writeFile(source, seededBytes('plaintext', FIRST + FULL + LAST));
  summary = await sealShard({ source, target: scratch.path('sealed'), key, associatedData });
  sealed = await readFile(scratch.path('sealed'));
  await writeFile(source, seededBytes('plaintext', FIRST + FULL));
  await sealShard({ source, target: scratch.path('aligned'), key, associatedData });
  aligned = await readFile(scratch.path('aligned'));
});
afterAll(() => scratch.remove());

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

function swappedSegments(bytes: Buffer): Buffer {
  // Segment 0 holds the header; swap the sealed parts of equal length behind it.
  const copy = Buffer.from(bytes);
  const [first, second] = [bytes.subarray(40, SEGMENT_BYTES), bytes.subarray(SEGMENT_BYTES, 2 * SEGMENT_BYTES - 40)];
  second.copy(copy, 40);
  first.copy(copy, SEGMENT_BYTES);
  return copy;
}

type Tampering = [name: string, change: () => Buffer, code: SealingErrorCode, segment: number | undefined];

const tamperings: Tampering[] = [
  ['the first segment changed', () => flipped(sealed, 40), 'seal-segment-authentication', 0],
  ['the first segment’s tag changed', () => flipped(sealed, SEGMENT_BYTES - 1), 'seal-segment-authentication', 0],
  ['the middle segment changed', () => flipped(sealed, SEGMENT_BYTES + 70_000), 'seal-segment-authentication', 1],
  ['the last segment changed', () => flipped(sealed, 2 * SEGMENT_BYTES + 1), 'seal-segment-authentication', 2],
  ['the very last byte changed', () => flipped(sealed, sealed.length - 1), 'seal-segment-authentication', 2],
  ['a cut at a segment boundary', () => sealed.subarray(0, 2 * SEGMENT_BYTES), 'seal-truncated', 1],
  ['a cut at the first boundary', () => sealed.subarray(0, SEGMENT_BYTES), 'seal-truncated', 0],
  ['a cut inside the last segment', () => sealed.subarray(0, sealed.length - 1), 'seal-segment-authentication', 2],
  ['a cut inside the middle segment', () => sealed.subarray(0, SEGMENT_BYTES + 500), 'seal-segment-authentication', 1],
  ['a cut inside the last tag', () => sealed.subarray(0, 2 * SEGMENT_BYTES + 10), 'seal-truncated', 2],
  ['a cut inside the header', () => sealed.subarray(0, 39), 'seal-truncated', 0],
  ['nothing at all', () => Buffer.alloc(0), 'seal-truncated', 0],
  ['a byte appended', () => Buffer.concat([sealed, Buffer.alloc(1)]), 'seal-segment-authentication', 2],
  ['a segment appended to full ones', () => Buffer.concat([aligned, aligned.subarray(SEGMENT_BYTES)]), 'seal-trailing', 1],
  ['a stretch appended to full ones', () => Buffer.concat([aligned, Buffer.alloc(100)]), 'seal-trailing', 1],
  ['two segments swapped', () => swappedSegments(sealed), 'seal-segment-authentication', 0],
  ['the second segment repeated', () => Buffer.concat([sealed.subarray(0, 2 * SEGMENT_BYTES), sealed.subarray(SEGMENT_BYTES)]), 'seal-segment-authentication', 2],
  ['the header’s length changed', () => flipped(sealed, 0), 'seal-header-malformed', undefined],
  ['the salt changed', () => flipped(sealed, 1), 'seal-segment-authentication', 0],
  ['the nonce prefix changed', () => flipped(sealed, 39), 'seal-segment-authentication', 0],
  ['the header of another shard', () => Buffer.concat([aligned.subarray(0, 40), sealed.subarray(40)]), 'seal-segment-authentication', 0],
];

async function leftOver(): Promise<string[]> {
  return (await scratch.names()).filter((name) => name.includes('opened'));
}

describe('a sealed shard refuses', () => {
  it.each(tamperings)('%s', async (_name, change, code, segment) => {
    const source = scratch.path('tampered');
    await writeFile(source, change());
    await expect(openShard({ source, target: scratch.path('opened'), key, associatedData })).rejects.toMatchObject({ code, segment });
    expect(await leftOver()).toEqual([]);
  });

  it.each(tamperings)('%s, read by range', async (_name, change) => {
    const file = scratch.path('tampered');
    await writeFile(file, change());
    const reading = SealedShard.open({ file, key, associatedData }).then(async (shard) => {
      try {
        return await shard.read(0, shard.plaintextBytes);
      } finally {
        await shard.close();
      }
    });
    await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/^seal-(segment-authentication|truncated|trailing|header-malformed)$/) });
  });

  it('another key, other associated data, none', async () => {
    const source = scratch.path('sealed');
    const attempts = [
      { key: seededBytes('other', 32), associatedData },
      { key, associatedData: new TextEncoder().encode('{"shard":1}') },
      { key, associatedData: new Uint8Array() },
    ];
    for (const attempt of attempts) {
      const opening = openShard({ source, target: scratch.path('opened'), ...attempt });
      await expect(opening).rejects.toMatchObject({ code: 'seal-segment-authentication', segment: 0 });
    }
    await expect(openShard({ source, target: scratch.path('opened'), key: new Uint8Array(31), associatedData })).rejects.toMatchObject({ code: 'seal-key-malformed' });
    expect(await leftOver()).toEqual([]);
  });

  it('what the manifest does not describe', async () => {
    const [source, target] = [scratch.path('sealed'), scratch.path('opened')];
    const open = (expected: Partial<ShardSummary>): Promise<ShardSummary> => openShard({ source, target, key, associatedData, expected });
    await expect(open({ ...summary, plaintextDigest: summary.ciphertextDigest })).rejects.toMatchObject({ code: 'seal-digest-mismatch' });
    await expect(open({ ...summary, ciphertextDigest: summary.plaintextDigest })).rejects.toMatchObject({ code: 'seal-digest-mismatch' });
    await expect(open({ ciphertextBytes: summary.ciphertextBytes + 1 })).rejects.toMatchObject({ code: 'seal-truncated' });
    await expect(open({ ciphertextBytes: summary.ciphertextBytes - 1 })).rejects.toMatchObject({ code: 'seal-trailing' });
    expect(await leftOver()).toEqual([]);
    await expect(open(summary)).resolves.toEqual(summary);
  });

  it('bad bytes without touching a target that was there', async () => {
    const [source, target] = [scratch.path('tampered'), scratch.path('opened')];
    await copyFile(scratch.path('plain'), target);
    await writeFile(source, flipped(sealed, sealed.length - 1));
    await expect(openShard({ source, target, key, associatedData })).rejects.toMatchObject({ code: 'seal-segment-authentication' });
    expect(Buffer.compare(await readFile(target), await readFile(scratch.path('plain')))).toBe(0);
    expect(await leftOver()).toEqual(['opened']);
  });
});
