import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { diskOperations, type DiskOperations } from './disk-operations.js';
import { DiskLogStorage } from './disk-storage.js';
import { MemoryLog, testEntries } from './fakes/memory-log.js';
import { verifyLogFolder } from './fsck.js';
import { emptyEdge, planAppend, readEdge } from './tile-writer.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-tlog-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function filesIn(where: string): Promise<string[]> {
  const found = await readdir(where, { recursive: true, withFileTypes: true });
  return found.filter((each) => each.isFile()).map((each) => relative(where, join(each.parentPath, each.name))).sort();
}

/** A real disk that notes each step, and fails or stops at a chosen one. */
class FaultyDisk implements DiskOperations {
  readonly steps: string[] = [];
  failAt: ((step: string) => 'before' | 'after' | undefined) | undefined;

  read = diskOperations.read;
  remove = (place: string): Promise<void> => this.#step(`remove ${this.#name(place)}`, () => diskOperations.remove(place));
  rename = (from: string, to: string): Promise<void> => this.#step(`rename ${this.#name(to)}`, () => diskOperations.rename(from, to));
  syncFolder = (place: string): Promise<void> => this.#step(`sync ${this.#name(place)}`, () => diskOperations.syncFolder(place));
  makeFolder = (place: string): Promise<string | undefined> => this.#step(`make ${this.#name(place)}`, () => diskOperations.makeFolder(place));
  writeSynced = (place: string, content: Uint8Array): Promise<void> =>
    this.#step(`write ${this.#name(place).replace(/\.tmp-.*/, '*')}`, () => diskOperations.writeSynced(place, content));

  #name(place: string): string {
    return relative(folder, place) || '.';
  }

  async #step<T>(step: string, run: () => Promise<T>): Promise<T> {
    this.steps.push(step);
    const fault = this.failAt?.(step);
    if (fault === 'before') throw new Error(`failed: ${step}`);
    const result = await run();
    if (fault === 'after') throw new Error(`failed after: ${step}`);
    return result;
  }
}

describe('DiskLogStorage', () => {
  it('stores files that are read back, by another object too', async () => {
    await new DiskLogStorage(folder).write([{ path: 'tile/0/000.p/1', bytes: bytes('a') }, { path: 'checkpoint', bytes: bytes('b') }]);
    const storage = new DiskLogStorage(folder);
    expect(await storage.read('tile/0/000.p/1')).toEqual(bytes('a'));
    expect(await storage.read('checkpoint')).toEqual(bytes('b'));
    expect(await storage.read('tile/0/001')).toBeUndefined();
    expect(await storage.read('checkpoint/x')).toBeUndefined();
    expect(await filesIn(folder)).toEqual(['checkpoint', 'tile/0/000.p/1']);
  });

  it('makes all folders, writes all files, renames, and then syncs each folder once', async () => {
    const disk = new FaultyDisk();
    await new DiskLogStorage(folder, disk).write([
      { path: 'tile/0/000.p/1', bytes: bytes('a') },
      { path: 'tile/0/000.p/2', bytes: bytes('b') },
      { path: 'tile/entries/000.p/2', bytes: bytes('c') },
    ]);
    const kinds = disk.steps.map((step) => step.split(' ')[0]);
    const firstRename = kinds.indexOf('rename');
    expect(kinds.lastIndexOf('write')).toBeLessThan(firstRename);
    expect(kinds.lastIndexOf('make')).toBeLessThan(kinds.indexOf('write'));
    const last = disk.steps.slice(kinds.lastIndexOf('rename') + 1);
    expect(last.sort()).toEqual(['sync tile/0/000.p', 'sync tile/entries/000.p']);
    // The name of each new folder is durable before any file is in it.
    const before = disk.steps.slice(0, kinds.indexOf('write'));
    for (const parent of ['.', 'tile', 'tile/0', 'tile/entries']) expect(before).toContain(`sync ${parent}`);
  });

  it('syncs the parents of a folder that is there already, once', async () => {
    await mkdir(join(folder, 'tile', '0'), { recursive: true });
    const disk = new FaultyDisk();
    const storage = new DiskLogStorage(folder, disk);
    await storage.write([{ path: 'tile/0/000', bytes: bytes('a') }]);
    expect(disk.steps).toEqual(expect.arrayContaining(['sync .', 'sync tile']));
    disk.steps.length = 0;
    await storage.write([{ path: 'tile/0/001', bytes: bytes('a') }]);
    expect(disk.steps).toEqual(['write tile/0/*', 'rename tile/0/001', 'sync tile/0']);
  });

  it.each(['', '.', '..', '../x', 'tile/../../x', '/etc/passwd', 'tile//0', 'tile/0/', './tile', 'a\\..\\b', '.tmp-1', 'tile/.hidden', 'a\u0000b', 'é', 'x'.repeat(600), 'a/'.repeat(20) + 'a'])('refuses the path %j', async (path) => {
    const storage = new DiskLogStorage(folder);
    await expect(storage.read(path)).rejects.toThrow(code('storage-path'));
    await expect(storage.write([{ path: 'ok', bytes: bytes('a') }, { path, bytes: bytes('b') }])).rejects.toThrow(code('storage-path'));
    expect(await filesIn(folder)).toEqual([]);
  });

  it('needs a folder', () => {
    expect(() => new DiskLogStorage('')).toThrow(code('storage-path'));
  });

  it('does not follow a link, nor read a file larger than any of a log', async () => {
    await symlink('/etc/hostname', join(folder, 'checkpoint'));
    await expect(new DiskLogStorage(folder).read('checkpoint')).rejects.toThrow();
    await writeFile(join(folder, 'big'), '');
    await truncate(join(folder, 'big'), 256 * 65_537 + 1);
    await expect(new DiskLogStorage(folder).read('big')).rejects.toThrow(code('storage-too-large'));
  });
});

describe('a write that fails', () => {
  const files = [{ path: 'tile/0/000.p/2', bytes: bytes('new') }, { path: 'checkpoint', bytes: bytes('new') }];

  it('before the renames has changed nothing, and leaves nothing behind', async () => {
    const disk = new FaultyDisk();
    const storage = new DiskLogStorage(folder, disk);
    await storage.write([{ path: 'checkpoint', bytes: bytes('old') }]);
    for (const when of ['before', 'after'] as const) {
      disk.failAt = (step) => (step === 'write *' ? when : undefined);
      await expect(storage.write(files)).rejects.toThrow('failed');
      expect(await filesIn(folder)).toEqual(['checkpoint']);
      expect(await storage.read('checkpoint')).toEqual(bytes('old'));
    }
  });

  it('although it persisted is reported as failed, and can be done again', async () => {
    const disk = new FaultyDisk();
    const storage = new DiskLogStorage(folder, disk);
    disk.failAt = (step) => (step === 'rename checkpoint' ? 'after' : undefined);
    await expect(storage.write(files)).rejects.toThrow('failed after');
    expect(await storage.read('checkpoint')).toEqual(bytes('new'));
    disk.failAt = undefined;
    await storage.write(files);
    expect(await filesIn(folder)).toEqual(['checkpoint', 'tile/0/000.p/2']);
  });

  it('at the last sync is reported as failed', async () => {
    const disk = new FaultyDisk();
    let renamed = false;
    disk.failAt = (step) => {
      renamed ||= step.startsWith('rename');
      return renamed && step.startsWith('sync') ? 'before' : undefined;
    };
    await expect(new DiskLogStorage(folder, disk).write(files)).rejects.toThrow('failed: sync');
  });

  it('after the tiles and before the checkpoint can be followed by another batch', async () => {
    const storage = new DiskLogStorage(folder);
    const log = new MemoryLog();
    const first = planAppend(emptyEdge(), testEntries(0, 5));
    await storage.write(first.files);
    log.append(testEntries(0, 5));
    // Died here: these tiles are on disk, and no checkpoint covers them.
    await storage.write(planAppend(first.edge, testEntries(900, 3)).files);

    const edge = await readEdge((path) => storage.read(path), { size: 5n, rootHash: log.rootHash });
    const again = planAppend(edge, testEntries(5, 3));
    await storage.write(again.files);
    await verifyLogFolder((path) => storage.read(path), { size: 8n, rootHash: again.rootHash });
  });
});

describe('replaceCheckpoint', () => {
  it('publishes only over the checkpoint that was expected', async () => {
    const storage = new DiskLogStorage(folder);
    await expect(storage.replaceCheckpoint(bytes('1'), bytes('2'))).rejects.toThrow(code('storage-conflict'));
    await storage.replaceCheckpoint(undefined, bytes('1'));
    await expect(storage.replaceCheckpoint(undefined, bytes('2'))).rejects.toThrow(code('storage-conflict'));
    await expect(storage.replaceCheckpoint(bytes('0'), bytes('2'))).rejects.toThrow(code('storage-conflict'));
    await storage.replaceCheckpoint(bytes('1'), bytes('2'));
    expect(await storage.read('checkpoint')).toEqual(bytes('2'));
  });

  it('lets one of many at once win', async () => {
    const storage = new DiskLogStorage(folder);
    await storage.replaceCheckpoint(undefined, bytes('0'));
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((next) => storage.replaceCheckpoint(bytes('0'), bytes(next))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await storage.read('checkpoint')).toEqual(bytes('a'));
  });
});

describe('prune', () => {
  it('removes partial tiles whose full ones are there, and the log still verifies at its older sizes', async () => {
    const storage = new DiskLogStorage(folder);
    const first = planAppend(emptyEdge(), testEntries(0, 100));
    await storage.write(first.files);
    const second = planAppend(first.edge, testEntries(100, 300));
    await storage.write(second.files);
    await storage.prune(second.superseded);
    expect((await filesIn(folder)).filter((path) => path.includes('000.p/100'))).toEqual([]);
    for (const plan of [first, second]) await verifyLogFolder((path) => storage.read(path), plan);
    await storage.write([{ path: 'tile/0/000.p/9', bytes: bytes('a') }]);
  });

  it('keeps partial tiles without a full one, and refuses anything else', async () => {
    const storage = new DiskLogStorage(folder);
    await storage.write(planAppend(emptyEdge(), testEntries(0, 3)).files);
    await storage.prune(['tile/0/000.p', 'tile/entries/000.p']);
    expect(await filesIn(folder)).toEqual(['tile/0/000.p/3', 'tile/entries/000.p/3']);
    for (const path of ['', 'tile', 'tile/0/000', 'tile/0/000.p/3', 'tile/0/000.p/3.p', '../x.p', 'checkpoint', '.p']) {
      await expect(storage.prune([path])).rejects.toThrow(code('storage-path'));
    }
  });
});
