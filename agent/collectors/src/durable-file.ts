import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file's bytes, or undefined where there is none. Any other failure is thrown: unreadable is not absent. */
export async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Creates a file of mode 0600 whole or not at all, on disk when this returns. It is written beside its place and linked
 * there: a crash leaves no half file, and an existing one is never overwritten.
 *
 * @returns false when it exists already; its contents are then someone else's.
 */
export async function createDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.new`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  const created = await linkUnlessPresent(temporary, path).finally(() => rm(temporary, { force: true }));
  await syncToDisk(dirname(path));
  return created;
}

async function linkUnlessPresent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Makes a file's contents, or the names in a folder, last. */
export async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
