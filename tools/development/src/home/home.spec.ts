import { lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scratch } from '../testing/scratch.js';
import { openHome } from './home.js';
import { loadOrMake, readPrivateFile, writePrivateFile } from './private-file.js';
import { openRuntimeFolder } from './runtime-folder.js';
import { readState, writeState } from './state.js';

const mode = (path: string) => statSync(path).mode & 0o777;

describe('a home', () => {
  const folder = scratch();

  it('closes every folder that a program of ours writes to', () => {
    const home = openHome(join(folder(), 'new', 'home'));
    for (const path of [home.people, home.trust, home.authority, home.server, home.releaser, home.agents, home.log, home.logs, home.weights, home.sealed, home.exports]) {
      expect(mode(path)).toBe(0o700);
    }
    expect(mode(home.root) & 0o066).toBe(0);
  });

  it('says what to do when it cannot be made', () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    expect(() => openHome(file)).toThrow(expect.objectContaining({ code: 'home-unusable', message: expect.stringContaining('STRONGROOM_HOME') }));
  });

  it('remembers, and refuses a damaged memory', () => {
    const { stateFile } = openHome(folder());
    const state = { ...readState(stateFile), policy: { revision: 3, content: 'x' }, nodes: { 'node-1': 'id' } };
    writeState(stateFile, state);
    expect(readState(stateFile)).toEqual(state);
    expect(mode(stateFile)).toBe(0o600);
    writeFileSync(stateFile, '{"v":1}');
    expect(() => readState(stateFile)).toThrow(expect.objectContaining({ code: 'home-unusable' }));
  });
});

describe('private files', () => {
  const folder = scratch();

  it('are 0600 whatever the umask, and made once', () => {
    const path = join(folder(), 'deep', 'key');
    const before = process.umask(0);
    try {
      expect(loadOrMake(path, () => Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));
      writePrivateFile(`${path}.json`, '{}');
    } finally {
      process.umask(before);
    }
    expect([mode(path), mode(`${path}.json`)]).toEqual([0o600, 0o600]);
    expect(loadOrMake(path, () => Uint8Array.of(3))).toEqual(Uint8Array.of(1, 2));
  });

  it('are refused when others can read them, or when there is none', () => {
    const path = join(folder(), 'key');
    writeFileSync(path, 'x', { mode: 0o640 });
    expect(() => readPrivateFile(path)).toThrow(expect.objectContaining({ code: 'home-unusable', message: expect.stringContaining('chmod 600') }));
    expect(() => readPrivateFile(`${path}-absent`)).toThrow(expect.objectContaining({ code: 'home-unusable' }));
  });
});

describe('the folder for sockets', () => {
  const folder = scratch();

  it('is short however long the home, the same each time, and closed', () => {
    const parent = folder();
    const home = `/srv/${'long/'.repeat(60)}`;
    const runtime = openRuntimeFolder(home, [parent]);
    expect(openRuntimeFolder(home, [parent])).toBe(runtime);
    expect(openRuntimeFolder(`${home}x`, [parent])).not.toBe(runtime);
    expect(mode(runtime)).toBe(0o700);
    expect(Buffer.byteLength(`${runtime}/node-1/012345678901/weights.sock`)).toBeLessThanOrEqual(107);
  });

  it('passes over a temporary folder whose own path is too long', () => {
    const parent = folder();
    const long = join(parent, 'l'.repeat(90));
    mkdirSync(long);
    expect(openRuntimeFolder('/home', [long, parent]).startsWith(long)).toBe(false);
    expect(() => openRuntimeFolder('/home', [long])).toThrow(expect.objectContaining({ code: 'home-unusable' }));
  });

  it('refuses a link that somebody put there', () => {
    const parent = folder();
    const runtime = openRuntimeFolder('/home', [parent]);
    const other = folder();
    symlinkSync(runtime, join(other, runtime.slice(parent.length + 1)));
    expect(() => openRuntimeFolder('/home', [other])).toThrow(expect.objectContaining({ code: 'home-unusable' }));
    expect(lstatSync(runtime).isDirectory()).toBe(true);
  });
});
