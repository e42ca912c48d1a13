import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scratch } from '../testing/scratch.js';
import { lockHome, startOf } from './home-lock.js';

describe('the lock of a home', () => {
  const folder = scratch();

  it('lets one launcher in, and the next once it is released', () => {
    const root = folder();
    const first = lockHome(root);
    expect(() => lockHome(root)).toThrow(expect.objectContaining({ code: 'home-in-use', message: expect.stringContaining(`process ${process.pid}`) }));
    first.release();
    expect(existsSync(join(root, 'launcher.lock'))).toBe(false);
    lockHome(root).release();
  });

  it('succeeds a holder that died', () => {
    const root = folder();
    // Nobody has this number: it is past what Linux gives out.
    lockHome(root, { pid: 2 ** 22 + 1, started: 'long ago' });
    expect(() => lockHome(root).release()).not.toThrow();
  });

  it('succeeds a holder whose number another process has now', () => {
    const root = folder();
    lockHome(root, { pid: process.pid, started: 'another start' });
    const lock = lockHome(root);
    expect(JSON.parse(readFileSync(join(root, 'launcher.lock'), 'utf8'))).toEqual({ pid: process.pid, started: startOf(process.pid) });
    lock.release();
  });

  it('succeeds a file that is no lock', () => {
    const root = folder();
    writeFileSync(join(root, 'launcher.lock'), '{"pid":"all"');
    expect(() => lockHome(root).release()).not.toThrow();
  });

  it('does not release what another has taken since', () => {
    const root = folder();
    const first = lockHome(root);
    writeFileSync(join(root, 'launcher.lock'), JSON.stringify({ pid: 1, started: startOf(1) ?? 'init' }));
    first.release();
    expect(existsSync(join(root, 'launcher.lock'))).toBe(true);
  });
});
