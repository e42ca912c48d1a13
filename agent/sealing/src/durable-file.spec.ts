import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nodeFiles, writeDurably, type FileOperations } from './durable-file.js';
import { scratchFolder } from './testing/scratch.js';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => void (scratch = await scratchFolder()));
afterAll(() => scratch.remove());

const write = async (file: Awaited<ReturnType<FileOperations['open']>>): Promise<string> => {
  await file.writeFile('new');
  return 'done';
};

/** A disk that loses its cable at the n-th sync. */
function failingSync(at: number): FileOperations {
  let syncs = 0;
  return {
    ...nodeFiles,
    async open(path, flags, mode) {
      const file = await nodeFiles.open(path, flags, mode);
      const sync = file.sync.bind(file);
      file.sync = () => (++syncs === at ? Promise.reject(new Error('EIO')) : sync());
      return file;
    },
  };
}

describe('a durable write', () => {
  it('returns what the writer made of it, and replaces the old file whole', async () => {
    const target = scratch.path('file');
    await writeFile(target, 'something older and longer');
    await expect(writeDurably(target, write)).resolves.toBe('done');
    expect(await readFile(target, 'utf8')).toBe('new');
  });

  it.each([
    ['the writer fails', nodeFiles, () => Promise.reject(new Error('EIO'))],
    ['the file cannot be synced', failingSync(1), write],
    ['the rename fails', { ...nodeFiles, rename: () => Promise.reject(new Error('EIO')) }, write],
  ] as const)('keeps the old file and leaves nothing when %s', async (_name, files, writer) => {
    const target = scratch.path('kept');
    await writeFile(target, 'old');
    await expect(writeDurably(target, writer, files)).rejects.toThrow('EIO');
    expect(await readFile(target, 'utf8')).toBe('old');
    expect((await scratch.names()).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('reports a folder that could not be synced, though the file is there, and can be done again', async () => {
    const target = scratch.path('unsynced');
    await expect(writeDurably(target, write, failingSync(2))).rejects.toThrow('EIO');
    expect(await readFile(target, 'utf8')).toBe('new');
    await expect(writeDurably(target, write)).resolves.toBe('done');
  });
});
