import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MAX_BUNDLE_BYTES } from './entry-bundle.js';
import { TlogError } from './errors.js';
import { CHECKPOINT_PATH, storagePathSegments, type LogStorage } from './log-storage.js';
import type { LogFile } from './tile-writer.js';

const WRITES_AT_ONCE = 16;

/**
 * A log in a folder, as any static web server would serve it. Keeps the promises of `LogStorage` so:
 *
 * - *Durability*: each file goes to a temporary file beside its place, is synced, then renamed; after all renames each folder
 *   touched is synced once, and so is the parent of each folder that was made. Holds as far as fsync does on that file system.
 * - *Consistency*: rename is atomic within a folder.
 * - *Retry*: safe. A crash may leave `.tmp-*` files behind; they are never read.
 * - *Concurrency*: `replaceCheckpoint` compares and swaps within this object only. Two processes, or two objects on one folder, must
 *   be kept apart by the sequencer's lock.
 *
 * Whoever can write in this folder can truncate or fork what readers see; checkpoints and witnesses make that visible.
 */
export class DiskLogStorage implements LogStorage {
  readonly #folder: string;
  /** Folders known to be there and durable. */
  readonly #folders = new Set<string>();
  #checkpointTurn: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    if (folder === '') throw new TlogError('storage-path', 'a log needs a folder');
    this.#folder = resolve(folder);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const place = this.#placeOf(path);
    try {
      const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const { size } = await file.stat();
        if (size > MAX_BUNDLE_BYTES) throw new TlogError('storage-too-large', `${path} is larger than any file of a log`);
        return new Uint8Array(await file.readFile());
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw cause;
    }
  }

  async write(files: readonly LogFile[]): Promise<void> {
    const placed = files.map(({ path, bytes }) => ({ place: this.#placeOf(path), bytes }));
    const folders = new Set(placed.map(({ place }) => dirname(place)));
    // Every folder before any file, and every file before any rename: a failure so far has published nothing.
    for (const folder of folders) await this.#makeFolder(folder);
    const temporary: { readonly from: string; readonly to: string }[] = [];
    try {
      await eachOf(placed, async ({ place, bytes }) => {
        const from = join(dirname(place), `.tmp-${randomBytes(9).toString('hex')}`);
        temporary.push({ from, to: place });
        await writeSynced(from, bytes);
      });
      for (const { from, to } of temporary) await rename(from, to);
    } catch (cause) {
      await Promise.allSettled(temporary.map(({ from }) => rm(from, { force: true })));
      throw cause;
    }
    await eachOf([...folders], syncFolder);
  }

  async replaceCheckpoint(expected: Uint8Array | undefined, next: Uint8Array): Promise<void> {
    const turn = this.#checkpointTurn.then(async () => {
      const published = await this.read(CHECKPOINT_PATH);
      if (!isSame(published, expected)) throw new TlogError('storage-conflict', 'another checkpoint has been published');
      await this.write([{ path: CHECKPOINT_PATH, bytes: next }]);
    });
    this.#checkpointTurn = turn.catch(() => undefined);
    return turn;
  }

  #placeOf(path: string): string {
    return join(this.#folder, ...storagePathSegments(path));
  }

  /** Makes `folder` and its parents; an entry in a parent folder is durable only once that parent is synced. */
  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    const firstMade = await mkdir(folder, { recursive: true });
    if (firstMade !== undefined) {
      const top = dirname(firstMade);
      for (let parent = dirname(folder); parent.length >= top.length; parent = dirname(parent)) {
        await syncFolder(parent);
        if (parent === top) break;
      }
    }
    this.#folders.add(folder);
  }
}

async function writeSynced(place: string, bytes: Uint8Array): Promise<void> {
  const file = await open(place, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs `work` on each item, a bounded number at a time. Waits for all that were begun, then throws the first failure. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(WRITES_AT_ONCE, items.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function isAbsent(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
