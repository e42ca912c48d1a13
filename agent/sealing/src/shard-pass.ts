// What sealing and opening share: the shape of a job, its progress, its way to stop.
import type { FileHandle } from 'node:fs/promises';
import { SealingError } from './errors.js';
import type { FileOperations } from './durable-file.js';

/** Bytes of plaintext done so far, of how many. */
export interface ShardProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface ShardPass {
  /** File read. */
  readonly source: string;
  /** File written: absent or replaced whole, mode 0600. */
  readonly target: string;
  /** 32 bytes. Read before the first segment and not kept; zeroing it is the owner's. */
  readonly key: Uint8Array;
  /** What the shard is bound to; see `shardAssociatedData`. */
  readonly associatedData: Uint8Array;
  readonly onProgress?: ((progress: ShardProgress) => void) | undefined;
  /** Looked at between segments. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  readonly files?: FileOperations | undefined;
}

export function refuseAborted(signal: { readonly aborted: boolean } | undefined): void {
  if (signal?.aborted === true) throw new SealingError('seal-aborted', 'stopped by the caller');
}

/** Opens for reading, runs, closes. */
export async function withSource<T>(path: string, files: FileOperations, run: (file: FileHandle, sizeBytes: number) => Promise<T>): Promise<T> {
  const file = await files.open(path, 'r');
  try {
    const { size } = await file.stat();
    return await run(file, size);
  } finally {
    await file.close();
  }
}

/** True when the file goes on past `offset`. */
export async function continuesPast(file: FileHandle, offset: number): Promise<boolean> {
  const { bytesRead } = await file.read(new Uint8Array(1), 0, 1, offset);
  return bytesRead > 0;
}
