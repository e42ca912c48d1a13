import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { diskOperations, type DiskOperations } from './disk-operations.js';
import { MAX_BUNDLE_BYTES } from './entry-bundle.js';
import { TlogError } from './errors.js';
import { CHECKPOINT_PATH, requirePartialFolder, storagePathSegments, type LogStorage } from './log-storage.js';
import type { LogFile } from './tile-writer.js';

const WRITES_AT_ONCE = 16;
const REMEMBERED_FOLDERS = 4096;

/**
 * A log in a folder, as any static web server would serve it. Keeps the promises of `LogStorage` so:
 *
 * - *Durability*: each file goes to a temporary file beside its place, is synced, then renamed; after all renames each folder
 *   touched is synced once; the parents of folders are synced before. Holds as far as fsync does on that file system.
 * - *Consistency*: rename is atomic within a folder.
 * - *Retry*: safe. A crash may leave `.tmp-*` files behind; they are never read.
 * - *Concurrency*: `replaceCheckpoint` compares and swaps within this object only. Two processes, or two objects on one folder, must
 *   be kept apart by the sequencer's lock.
 *
 * Whoever can write in this folder can truncate or fork what readers see; checkpoints and witnesses make that visible.
 */
export class DiskLogStorage implements LogStorage {
  readonly #folder: string;
  readonly #disk: DiskOperations;
  /** Folders whose names are durable all the way up. */
  readonly #durable = new Set<string>();
  #checkpointTurn: Promise<void> = Promise.resolve();

  constructor(folder: string, disk: DiskOperations = diskOperations) {
    if (folder === '') throw new TlogError('storage-path', 'a log needs a folder');
    this.#folder = resolve(folder);
    this.#disk = disk;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#disk.read(this.#placeOf(path), MAX_BUNDLE_BYTES);
    if (bytes === 'too-large') throw new TlogError('storage-too-large', `${path} is larger than any file of a log`);
    return bytes;
  }

  async write(files: readonly LogFile[]): Promise<void> {
    const placed = files.map(({ path, bytes }) => ({ place: this.#placeOf(path), bytes }));
    const folders = [...new Set(placed.map(({ place }) => dirname(place)))];
    // Every folder before any file, and every file before any rename: a failure so far has published nothing.
    for (const folder of folders) await this.#makeFolder(folder);
    const temporary: { readonly from: string; readonly to: string }[] = [];
    try {
      await eachOf(placed, async ({ place, bytes }) => {
        const from = join(dirname(place), `.tmp-${randomBytes(9).toString('hex')}`);
        temporary.push({ from, to: place });
        await this.#disk.writeSynced(from, bytes);
      });
      for (const { from, to } of temporary) await this.#disk.rename(from, to);
    } catch (cause) {
      await Promise.allSettled(temporary.map(({ from }) => this.#disk.remove(from)));
      throw cause;
    }
    await eachOf(folders, (folder) => this.#disk.syncFolder(folder));
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

  async prune(partialFolders: readonly string[]): Promise<void> {
    for (const path of partialFolders) {
      const full = requirePartialFolder(path);
      if ((await this.read(full)) === undefined) continue;
      const place = this.#placeOf(path);
      this.#durable.delete(place);
      await this.#disk.remove(place);
    }
  }

  #placeOf(path: string): string {
    return join(this.#folder, ...storagePathSegments(path));
  }

  /**
   * Makes `folder` and makes its name durable, and that of each folder above it up to the log's own. Once for each folder, also if
   * it is there already: a run that died may have made it without getting as far as the sync.
   */
  async #makeFolder(folder: string): Promise<void> {
    if (this.#durable.has(folder)) return;
    const firstMade = await this.#disk.makeFolder(folder);
    const tops = [dirname(this.#folder), ...(firstMade === undefined ? [] : [dirname(firstMade)])];
    const topLength = Math.min(...tops.map((top) => top.length));
    if (this.#durable.size >= REMEMBERED_FOLDERS) this.#durable.clear();
    for (let each = folder; dirname(each).length >= topLength && !this.#durable.has(each); each = dirname(each)) {
      await this.#disk.syncFolder(dirname(each));
      this.#durable.add(each);
      if (dirname(each) === each) break;
    }
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
