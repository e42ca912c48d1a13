// Where segments lie, for AES256-GCM-HKDF-1MB. The header counts towards the first segment, so segment i of the file
// starts at i MiB (segment 0 after its header) and only the last one is short.
import { SealingError } from './errors.js';

export const SEGMENT_BYTES = 1_048_576;
export const HEADER_BYTES = 40;
export const TAG_BYTES = 16;
/** The counter is a u32 and Tink stops one short of its last value. */
export const MAX_SEGMENTS = 0xffff_ffff;

const FULL_PLAINTEXT = SEGMENT_BYTES - TAG_BYTES;
const FIRST_PLAINTEXT = FULL_PLAINTEXT - HEADER_BYTES;

/** One segment: where its ciphertext (tag included) and its plaintext lie in their files. */
export interface SegmentPlace {
  readonly index: number;
  readonly last: boolean;
  readonly ciphertextOffset: number;
  readonly ciphertextBytes: number;
  readonly plaintextOffset: number;
  readonly plaintextBytes: number;
}

export interface ShardLayout {
  readonly segments: number;
  readonly plaintextBytes: number;
  readonly ciphertextBytes: number;
}

/** @throws SealingError `seal-too-many-segments` */
export function layoutOfPlaintext(plaintextBytes: number): ShardLayout {
  const rest = Math.max(0, plaintextBytes - FIRST_PLAINTEXT);
  const segments = 1 + Math.ceil(rest / FULL_PLAINTEXT);
  refuseTooMany(segments);
  return { segments, plaintextBytes, ciphertextBytes: HEADER_BYTES + plaintextBytes + segments * TAG_BYTES };
}

/**
 * The layout that a ciphertext of this length must have. Tink never writes an empty segment after the first, so such a
 * length is a cut file.
 * @throws SealingError `seal-truncated` | `seal-too-many-segments`
 */
export function layoutOfCiphertext(ciphertextBytes: number): ShardLayout {
  const segments = Math.max(1, Math.ceil(ciphertextBytes / SEGMENT_BYTES));
  refuseTooMany(segments);
  const lastBytes = ciphertextBytes - (segments - 1) * SEGMENT_BYTES;
  const least = segments === 1 ? HEADER_BYTES + TAG_BYTES : TAG_BYTES + 1;
  if (lastBytes < least) {
    throw new SealingError('seal-truncated', `sealed shard ends ${lastBytes} bytes into segment ${segments - 1}`, { segment: segments - 1 });
  }
  return { segments, plaintextBytes: ciphertextBytes - HEADER_BYTES - segments * TAG_BYTES, ciphertextBytes };
}

export function placeOfSegment(layout: ShardLayout, index: number): SegmentPlace {
  const last = index === layout.segments - 1;
  const ciphertextOffset = index === 0 ? HEADER_BYTES : index * SEGMENT_BYTES;
  const end = last ? layout.ciphertextBytes : (index + 1) * SEGMENT_BYTES;
  const plaintextOffset = index === 0 ? 0 : FIRST_PLAINTEXT + (index - 1) * FULL_PLAINTEXT;
  const ciphertextBytes = end - ciphertextOffset;
  return { index, last, ciphertextOffset, ciphertextBytes, plaintextOffset, plaintextBytes: ciphertextBytes - TAG_BYTES };
}

/** The segment holding the plaintext byte at `offset`. */
export function segmentAt(offset: number): number {
  return offset < FIRST_PLAINTEXT ? 0 : 1 + Math.floor((offset - FIRST_PLAINTEXT) / FULL_PLAINTEXT);
}

function refuseTooMany(segments: number): void {
  if (!Number.isSafeInteger(segments) || segments > MAX_SEGMENTS) {
    throw new SealingError('seal-too-many-segments', `${segments} segments; at most ${MAX_SEGMENTS}`);
  }
}
