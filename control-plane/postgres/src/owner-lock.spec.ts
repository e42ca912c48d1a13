import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { takeOwnership } from './owner-lock.js';

describe('the owner of a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-owner-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const contenders = async (count: number) => {
    const attempts = await Promise.allSettled(Array.from({ length: count }, () => takeOwnership(folder)));
    return attempts.filter(({ status }) => status === 'fulfilled').length;
  };

  it('is one of many that ask at once', async () => {
    expect(await contenders(20)).toBe(1);
  });

  it('is followed by one of many after it died', async () => {
    await writeFile(join(folder, 'owner.7'), JSON.stringify({ pid: process.pid, identity: 'another start of this pid' }));
    expect(await contenders(20)).toBe(1);
    expect(await readdir(folder)).toEqual(['owner.8']);
  });

  it('is followed after it let go, and its file stays so that counting goes on', async () => {
    const first = await takeOwnership(folder);
    await expect(takeOwnership(folder)).rejects.toMatchObject({ code: 'home-in-use' });
    await first.release();
    await takeOwnership(folder);
    expect(await readdir(folder)).toEqual(['owner.2']);
  });

  it('is nobody when its record cannot be read', async () => {
    await writeFile(join(folder, 'owner.1'), '{"pid":');
    expect(await contenders(2)).toBe(1);
  });
});
