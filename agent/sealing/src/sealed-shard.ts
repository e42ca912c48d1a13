import { open, type FileHandle } from 'node:fs/promises';
import { asSealingError, SealingError } from './errors.js';
import { ciphertextSpans, readHeader, sealTruncated, verifyLength } from './open-shard.js';
import { allocateSegment, ReadAhead, readSpan } from './segment-buffers.js';
import { SegmentCipher } from './segment-cipher.js';
import { layoutOfCiphertext, placeOfSegment, segmentAt, type ShardLayout } from './segment-layout.js';

export interface SealedShardOptions {
  readonly file: string;
  /** 32 bytes; not kept (a key derived from it is, until `close`). */
  readonly key: Uint8Array;
  readonly associatedData: Uint8Array;
  /** The manifest's length, where known. */
  readonly ciphertextBytes?: number | undefined;
}

/**
 * A sealed shard open for reading byte ranges; plaintext is made in memory, a segment at a time, and every segment is
 * authenticated before a byte of it is given out. Whole-file digests are not checked: that is `openShard`.
 */
export class SealedShard {
  #closed = false;

  private constructor(
    private readonly handle: FileHandle,
    private readonly cipher: SegmentCipher,
    private readonly layout: ShardLayout,
  ) {}

  /**
   * Authenticates the last segment first, which proves the length: a file cut at a segment boundary is refused here.
   * @throws SealingError the refusals of `openShard`, `seal-digest-mismatch` excepted
   */
  static async open(options: SealedShardOptions): Promise<SealedShard> {
    const handle = await open(options.file, 'r').catch((error: unknown) => Promise.reject(asSealingError(error)));
    let cipher: SegmentCipher | undefined;
    try {
      const { size } = await handle.stat();
      verifyLength(size, options.ciphertextBytes);
      const layout = layoutOfCiphertext(size);
      cipher = new SegmentCipher(options.key, await readHeader(handle), options.associatedData);
      await proveLength(handle, cipher, layout);
      return new SealedShard(handle, cipher, layout);
    } catch (error) {
      cipher?.destroy();
      await handle.close();
      throw asSealingError(error);
    }
  }

  get plaintextBytes(): number {
    return this.layout.plaintextBytes;
  }

  /**
   * Plaintext of a range, in pieces of at most one segment. A piece is valid until the next one is asked for, then it is
   * overwritten: copy what must last.
   * @throws SealingError `seal-range` | `seal-closed` | `seal-segment-authentication` | `seal-truncated` | `seal-trailing` | `seal-io`
   */
  async *stream(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
    this.#verifyRange(offset, length);
    if (length === 0) return;
    const [first, last] = [segmentAt(offset), segmentAt(offset + length - 1)];
    const reader = new ReadAhead(this.handle, ciphertextSpans(this.layout, first, last), sealTruncated);
    const plaintext = allocateSegment();
    try {
      for (let index = first; index <= last; index++) {
        const place = placeOfSegment(this.layout, index);
        const ciphertext = await reader.next();
        // Closing zeroes the derived key; what was read meanwhile must not be tried with it.
        if (this.#closed) throw closedError();
        if (ciphertext === undefined) throw sealTruncated();
        this.cipher.open(index, place.last, ciphertext, plaintext);
        const from = Math.max(0, offset - place.plaintextOffset);
        const to = Math.min(place.plaintextBytes, offset + length - place.plaintextOffset);
        yield plaintext.subarray(from, to);
      }
    } catch (error) {
      throw this.#closed ? closedError() : asSealingError(error);
    } finally {
      plaintext.fill(0);
      await reader.close();
    }
  }

  /** A range as one array of its own, which the caller zeroes. @throws as `stream` */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#verifyRange(offset, length);
    const result = new Uint8Array(new ArrayBuffer(length));
    let at = 0;
    for await (const piece of this.stream(offset, length)) {
      result.set(piece, at);
      at += piece.length;
    }
    return result;
  }

  /** Zeroes the derived key and closes the file. Streams under way end with `seal-closed`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.cipher.destroy();
    await this.handle.close();
  }

  #verifyRange(offset: number, length: number): void {
    if (this.#closed) throw closedError();
    const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (!whole || offset > this.plaintextBytes || length > this.plaintextBytes - offset) {
      throw new SealingError('seal-range', `range ${offset}+${length} lies outside ${this.plaintextBytes} bytes`);
    }
  }
}

/** One byte range of one sealed shard, as an array of its own. @throws as `SealedShard.open` and `SealedShard.stream` */
export async function openRange(options: SealedShardOptions & { readonly offset: number; readonly length: number }): Promise<Uint8Array> {
  const shard = await SealedShard.open(options);
  try {
    return await shard.read(options.offset, options.length);
  } finally {
    await shard.close();
  }
}

async function proveLength(handle: FileHandle, cipher: SegmentCipher, layout: ShardLayout): Promise<void> {
  const place = placeOfSegment(layout, layout.segments - 1);
  const scratch = allocateSegment();
  const ciphertext = await readSpan(handle, { offset: place.ciphertextOffset, bytes: place.ciphertextBytes }, allocateSegment(), sealTruncated);
  try {
    cipher.open(place.index, true, ciphertext, scratch);
  } finally {
    scratch.fill(0);
  }
}

function closedError(): SealingError {
  return new SealingError('seal-closed', 'the shard is closed');
}
