import { TlogError } from './errors.js';
import { parseTilePath, TILE_WIDTH } from './tile-path.js';
import type { LogFile } from './tile-writer.js';

/**
 * Where a log's files live.
 *
 * - *Durability*: when `write` or `replaceCheckpoint` has resolved, the bytes survive a crash of the machine. When it rejects,
 *   each file is either as before or wholly new, and it is not known which.
 * - *Consistency*: a reader sees a file's old bytes or its new bytes, never a mixture, and after a write has resolved the new ones.
 *   Nothing is promised between files: publish the checkpoint only after `write` of everything it covers has resolved.
 * - *Retry*: writing the same files again is safe. Files at or beyond the size of the published checkpoint may change until a
 *   checkpoint covers them (we died after the tiles, before the checkpoint); files it covers must not.
 * - *Concurrency*: any number of readers; one writer. Two processes must be kept apart by the caller's lock.
 */
export interface LogStorage {
  /** `undefined` when there is no such file. @throws TlogError `storage-path` | `storage-too-large` */
  read(path: string): Promise<Uint8Array | undefined>;
  /** @throws TlogError `storage-path`; I/O errors as they come */
  write(files: readonly LogFile[]): Promise<void>;
  /**
   * Publishes a checkpoint if the published one is still `expected`, byte for byte (`undefined`: none is).
   * @throws TlogError `storage-conflict`
   */
  replaceCheckpoint(expected: Uint8Array | undefined, next: Uint8Array): Promise<void>;
  /**
   * Removes partial tiles and bundles whose full ones are there; readers fall back to those. `AppendPlan.superseded` names them.
   * Call it after the checkpoint is published. A store that never deletes (object lock) may do nothing.
   * @param partialFolders such as `tile/entries/002.p`; anything else is refused.
   * @throws TlogError `storage-path`
   */
  prune(partialFolders: readonly string[]): Promise<void>;
}

export const CHECKPOINT_PATH = 'checkpoint';

// No segment begins with a dot, so neither "..", nor a temporary file of ours, can be named.
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The segments of a relative path of plain names. @throws TlogError `storage-path` */
export function storagePathSegments(path: string): string[] {
  const segments = typeof path === 'string' && path.length <= 512 ? path.split('/') : [];
  if (segments.length === 0 || segments.length > 16 || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new TlogError('storage-path', 'not a plain relative path');
  }
  return segments;
}

/** @returns the path of the full tile or bundle that a folder of partial ones belongs to. @throws TlogError `storage-path` */
export function requirePartialFolder(path: string): string {
  const full = path.endsWith('.p') ? path.slice(0, -2) : '';
  try {
    if (parseTilePath(full).width === TILE_WIDTH) return full;
  } catch (cause) {
    throw new TlogError('storage-path', 'not a folder of partial tiles', { cause });
  }
  throw new TlogError('storage-path', 'not a folder of partial tiles');
}
