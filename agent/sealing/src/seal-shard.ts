import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { nodeFiles, writeDurably } from './durable-file.js';
import { asSealingError, SealingError } from './errors.js';
import { ReadAhead, WriteBehind } from './segment-buffers.js';
import { HEADER_RANDOM_BYTES, makeHeader, SegmentCipher, type RandomBytes } from './segment-cipher.js';
import { layoutOfPlaintext, placeOfSegment, type ShardLayout } from './segment-layout.js';
import { continuesPast, refuseAborted, withSource, type ShardPass } from './shard-pass.js';
import { ShardDigests, type ShardSummary } from './shard-summary.js';

export interface SealShardOptions extends ShardPass {
  /** Must never repeat: salt and nonce prefix come from here. Default `crypto.randomBytes`. */
  readonly random?: RandomBytes | undefined;
}

/**
 * Seals one file as a Tink AES256-GCM-HKDF-1MB stream, in one pass and a few MiB of memory. The target appears whole and
 * durable, or not at all. Does not delete the source and does not check that the key is fresh.
 * @throws SealingError `seal-key-malformed` | `seal-too-many-segments` | `seal-source-changed` | `seal-aborted` | `seal-io`
 */
export async function sealShard(options: SealShardOptions): Promise<ShardSummary> {
  const files = options.files ?? nodeFiles;
  try {
    return await withSource(options.source, files, (source, sizeBytes) => {
      const layout = layoutOfPlaintext(sizeBytes);
      return writeDurably(options.target, (target) => sealSegments(options, source, target, layout), files);
    });
  } catch (error) {
    throw asSealingError(error);
  }
}

async function sealSegments(options: SealShardOptions, source: FileHandle, target: FileHandle, layout: ShardLayout): Promise<ShardSummary> {
  const header = makeHeader((options.random ?? randomBytes)(HEADER_RANDOM_BYTES));
  const cipher = new SegmentCipher(options.key, header, options.associatedData);
  const reader = new ReadAhead(source, plaintextSpans(layout), sourceChanged);
  const writer = new WriteBehind(target);
  const digests = new ShardDigests();
  try {
    writer.buffer.set(header);
    await writer.submit(header.length);
    digests.ciphertext(header);
    for (let index = 0; index < layout.segments; index++) {
      refuseAborted(options.signal);
      const place = placeOfSegment(layout, index);
      const plaintext = (await reader.next()) ?? new Uint8Array();
      digests.plaintext(plaintext);
      const sealed = cipher.seal(index, place.last, plaintext, writer.buffer);
      digests.ciphertext(writer.buffer.subarray(0, sealed));
      await writer.submit(sealed);
      options.onProgress?.({ doneBytes: place.plaintextOffset + place.plaintextBytes, totalBytes: layout.plaintextBytes });
    }
    if (await continuesPast(source, layout.plaintextBytes)) throw sourceChanged();
    await writer.flush();
    return digests.summary(layout.plaintextBytes, layout.ciphertextBytes);
  } finally {
    cipher.destroy();
    await reader.close();
    await writer.close();
  }
}

function* plaintextSpans(layout: ShardLayout): Generator<{ offset: number; bytes: number }> {
  for (let index = 0; index < layout.segments; index++) {
    const { plaintextOffset, plaintextBytes } = placeOfSegment(layout, index);
    yield { offset: plaintextOffset, bytes: plaintextBytes };
  }
}

function sourceChanged(): SealingError {
  return new SealingError('seal-source-changed', 'the file changed its length while it was read');
}
