import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';

/** What `DiskLogStorage` asks of a file system; an argument, so that a test can fail or stop at any step. */
export interface DiskOperations {
  /** `undefined` when there is no such file. Does not follow a link in the last place. */
  readonly read: (place: string, maxBytes: number) => Promise<Uint8Array | 'too-large' | undefined>;
  /** Makes a new file, whose bytes (not yet its name) are durable when this resolves. */
  readonly writeSynced: (place: string, bytes: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Makes the names within a folder durable. */
  readonly syncFolder: (folder: string) => Promise<void>;
  /** @returns the topmost folder that had to be made. */
  readonly makeFolder: (folder: string) => Promise<string | undefined>;
  /** Removes a file or folder, if there. */
  readonly remove: (place: string) => Promise<void>;
}

export const diskOperations: DiskOperations = {
  async read(place, maxBytes) {
    try {
      const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return (await file.stat()).size > maxBytes ? 'too-large' : new Uint8Array(await file.readFile());
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw cause;
    }
  },
  async writeSynced(place, bytes) {
    const file = await open(place, 'wx', 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  async syncFolder(folder) {
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  makeFolder: (folder) => mkdir(folder, { recursive: true }),
  remove: (place) => rm(place, { recursive: true, force: true }),
};

function isAbsent(cause: unknown): boolean {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
