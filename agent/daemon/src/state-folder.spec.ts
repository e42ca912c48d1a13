import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFolder } from './state-folder.js';

describe('StateFolder', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'strongroom-state-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('keeps files only their owner can read, replaced as a whole', () => {
    const state = new StateFolder(join(root, 'state'));
    state.writeJson('a.json', { a: 1 });
    state.writeJson('a.json', { a: 2 });
    expect(state.readJson('a.json')).toEqual({ a: 2 });
    expect(statSync(join(root, 'state', 'a.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(root, 'state'))).toEqual(['a.json']);
  });

  it('knows what is not there from what is damaged', () => {
    const state = new StateFolder(join(root, 'state'));
    expect(state.read('none')).toBeUndefined();
    expect(state.readJson('none')).toBeUndefined();
    writeFileSync(join(root, 'state', 'cut.json'), '{"a":');
    expect(() => state.readJson('cut.json')).toThrow(expect.objectContaining({ code: 'state-unusable' }));
  });

  it('refuses a folder others can read', () => {
    chmodSync(root, 0o755);
    expect(() => new StateFolder(root)).toThrow(expect.objectContaining({ code: 'state-unusable' }));
  });
});
