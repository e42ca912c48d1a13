import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The file operations a durable write needs; the default is `node:fs/promises`. */
export interface FileOperations {
  open(path: string, flags: string, mode?: number): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: true }): Promise<void>;
}

export const nodeFiles: FileOperations = { open, rename, rm };

/**
 * Writes `target` whole or not at all: `write` fills a file beside it (mode 0600), which is synced, renamed over the
 * target and made to survive a power cut by syncing the folder. When anything before the rename fails, the old target
 * stands and nothing is left behind. When only the folder sync fails, the new target is in place but may not outlive a
 * power cut: the error is still thrown, and doing it again is safe.
 */
export async function writeDurably<T>(target: string, write: (file: FileHandle) => Promise<T>, files: FileOperations = nodeFiles): Promise<T> {
  const partial = join(dirname(target), `.${basename(target)}.${randomBytes(8).toString('hex')}.part`);
  const result = await writePartial(partial, write, files);
  try {
    await files.rename(partial, target);
  } catch (error) {
    await files.rm(partial, { force: true });
    throw error;
  }
  await syncFolder(dirname(target), files);
  return result;
}

async function writePartial<T>(partial: string, write: (file: FileHandle) => Promise<T>, files: FileOperations): Promise<T> {
  const file = await files.open(partial, 'wx', 0o600);
  try {
    const result = await write(file);
    await file.sync();
    await file.close();
    return result;
  } catch (error) {
    await file.close().catch(() => undefined);
    await files.rm(partial, { force: true });
    throw error;
  }
}

async function syncFolder(folder: string, files: FileOperations): Promise<void> {
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
