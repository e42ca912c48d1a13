// Two buffers on each side, so that the disk works while the cipher does: memory stays at a few segments for any shard.
import type { FileHandle } from 'node:fs/promises';
import type { SealingError } from './errors.js';
import { SEGMENT_BYTES } from './segment-layout.js';

/** A run of bytes to read, in file order. */
export interface ReadSpan {
  readonly offset: number;
  readonly bytes: number;
}

/** Reads spans one after another, always one ahead of the consumer. */
export class ReadAhead {
  readonly #buffers = [allocateSegment(), allocateSegment()] as const;
  readonly #spans: Iterator<ReadSpan>;
  #turn: 0 | 1 = 0;
  #pending: Promise<Uint8Array> | undefined;

  constructor(
    private readonly file: FileHandle,
    spans: Iterable<ReadSpan>,
    private readonly shortRead: () => SealingError,
  ) {
    this.#spans = spans[Symbol.iterator]();
    this.#advance();
  }

  /** The next span's bytes, valid until this is called again; undefined after the last. */
  async next(): Promise<Uint8Array | undefined> {
    const bytes = await this.#pending;
    if (bytes !== undefined) this.#advance();
    return bytes;
  }

  /** Waits for the read under way and wipes both buffers. */
  async close(): Promise<void> {
    await this.#pending?.catch(() => undefined);
    for (const buffer of this.#buffers) buffer.fill(0);
  }

  #advance(): void {
    const next = this.#spans.next() as IteratorResult<ReadSpan, undefined>;
    if (next.done === true) {
      this.#pending = undefined;
      return;
    }
    this.#pending = readSpan(this.file, next.value, this.#buffers[this.#turn], this.shortRead);
    this.#pending.catch(() => undefined); // reported by next(); close() may come first
    this.#turn = this.#turn === 0 ? 1 : 0;
  }
}

/** Writes in order while the caller fills the other buffer. */
export class WriteBehind {
  readonly #buffers = [allocateSegment(), allocateSegment()] as const;
  #turn: 0 | 1 = 0;
  #pending: Promise<void> = Promise.resolve();

  constructor(private readonly file: FileHandle) {}

  /** A buffer nothing else touches until it is submitted. */
  get buffer(): Uint8Array {
    return this.#buffers[this.#turn];
  }

  /** Queues the first `bytes` of `buffer`; rejects when the write before it failed. */
  async submit(bytes: number): Promise<void> {
    const chunk = this.buffer.subarray(0, bytes);
    await this.#pending;
    this.#pending = writeAll(this.file, chunk);
    this.#pending.catch(() => undefined); // reported by the next submit() or by flush()
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  async flush(): Promise<void> {
    await this.#pending;
  }

  /** Waits for the write under way and wipes both buffers. */
  async close(): Promise<void> {
    await this.#pending.catch(() => undefined);
    for (const buffer of this.#buffers) buffer.fill(0);
  }
}

export async function readSpan(file: FileHandle, span: ReadSpan, buffer: Uint8Array, shortRead: () => SealingError): Promise<Uint8Array> {
  let filled = 0;
  while (filled < span.bytes) {
    const { bytesRead } = await file.read(buffer, filled, span.bytes - filled, span.offset + filled);
    if (bytesRead === 0) throw shortRead();
    filled += bytesRead;
  }
  return buffer.subarray(0, span.bytes);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

export function allocateSegment(): Uint8Array {
  // Its own memory, never the pool that unrelated Buffers share.
  return new Uint8Array(new ArrayBuffer(SEGMENT_BYTES));
}
