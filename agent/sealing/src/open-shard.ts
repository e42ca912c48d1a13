import type { FileHandle } from 'node:fs/promises';
import { nodeFiles, writeDurably } from './durable-file.js';
import { asSealingError, SealingError } from './errors.js';
import { ReadAhead, readSpan, WriteBehind, type ReadSpan } from './segment-buffers.js';
import { SegmentCipher } from './segment-cipher.js';
import { HEADER_BYTES, layoutOfCiphertext, placeOfSegment, type ShardLayout } from './segment-layout.js';
import { continuesPast, refuseAborted, withSource, type ShardPass } from './shard-pass.js';
import { ShardDigests, type ShardSummary } from './shard-summary.js';

export interface OpenShardOptions extends ShardPass {
  /** What the manifest says of this shard. Every member given must hold, or nothing is left at the target. */
  readonly expected?: Partial<ShardSummary> | undefined;
}

/**
 * Opens one sealed shard to a file. Only authenticated segments are ever written, and the target appears only when all
 * of them, the length and what was `expected` have held: on any failure nothing of it is left.
 * Without `expected` it proves only that the holder of the key sealed these bytes under this associated data.
 * @throws SealingError `seal-key-malformed` | `seal-header-malformed` | `seal-segment-authentication` | `seal-truncated` |
 *   `seal-trailing` | `seal-too-many-segments` | `seal-digest-mismatch` | `seal-aborted` | `seal-io`
 */
export async function openShard(options: OpenShardOptions): Promise<ShardSummary> {
  const files = options.files ?? nodeFiles;
  try {
    return await withSource(options.source, files, (source, sizeBytes) => {
      verifyLength(sizeBytes, options.expected?.ciphertextBytes);
      const layout = layoutOfCiphertext(sizeBytes);
      return writeDurably(options.target, (target) => openSegments(options, source, target, layout), files);
    });
  } catch (error) {
    throw asSealingError(error);
  }
}

async function openSegments(options: OpenShardOptions, source: FileHandle, target: FileHandle, layout: ShardLayout): Promise<ShardSummary> {
  const header = await readHeader(source);
  const cipher = new SegmentCipher(options.key, header, options.associatedData);
  const reader = new ReadAhead(source, ciphertextSpans(layout, 0, layout.segments - 1), sealTruncated);
  const writer = new WriteBehind(target);
  const digests = new ShardDigests();
  try {
    digests.ciphertext(header);
    for (let index = 0; index < layout.segments; index++) {
      refuseAborted(options.signal);
      const place = placeOfSegment(layout, index);
      const ciphertext = await reader.next();
      if (ciphertext === undefined) throw sealTruncated();
      digests.ciphertext(ciphertext);
      const opened = cipher.open(index, place.last, ciphertext, writer.buffer);
      digests.plaintext(writer.buffer.subarray(0, opened));
      await writer.submit(opened);
      options.onProgress?.({ doneBytes: place.plaintextOffset + place.plaintextBytes, totalBytes: layout.plaintextBytes });
    }
    if (await continuesPast(source, layout.ciphertextBytes)) throw new SealingError('seal-trailing', 'the sealed shard grew while it was read');
    await writer.flush();
    const summary = digests.summary(layout.plaintextBytes, layout.ciphertextBytes);
    verifySummary(summary, options.expected);
    return summary;
  } finally {
    cipher.destroy();
    await reader.close();
    await writer.close();
  }
}

/** The 40 bytes a shard starts with; what they say is checked where they are used. */
export async function readHeader(file: FileHandle): Promise<Uint8Array> {
  return readSpan(file, { offset: 0, bytes: HEADER_BYTES }, new Uint8Array(HEADER_BYTES), sealTruncated);
}

export function* ciphertextSpans(layout: ShardLayout, first: number, last: number): Generator<ReadSpan> {
  for (let index = first; index <= last; index++) {
    const { ciphertextOffset, ciphertextBytes } = placeOfSegment(layout, index);
    yield { offset: ciphertextOffset, bytes: ciphertextBytes };
  }
}

export function sealTruncated(): SealingError {
  return new SealingError('seal-truncated', 'the sealed shard ended early');
}

/** @throws SealingError `seal-truncated` | `seal-trailing` */
export function verifyLength(sizeBytes: number, expectedBytes: number | undefined): void {
  if (expectedBytes === undefined || sizeBytes === expectedBytes) return;
  const code = sizeBytes < expectedBytes ? 'seal-truncated' : 'seal-trailing';
  throw new SealingError(code, `sealed shard has ${sizeBytes} bytes, its manifest says ${expectedBytes}`);
}

function verifySummary(summary: ShardSummary, expected: Partial<ShardSummary> | undefined): void {
  for (const [member, value] of Object.entries(expected ?? {})) {
    if (value !== undefined && summary[member as keyof ShardSummary] !== value) {
      throw new SealingError('seal-digest-mismatch', `the shard's ${member} is not what its manifest says`);
    }
  }
}
