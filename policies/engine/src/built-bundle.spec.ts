import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBuiltBundle, policiesFolder } from './built-bundle.js';

describe('the built bundle', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'policies-'));
    for (const name of ['data', 'dist', 'schemas']) cpSync(join(policiesFolder(), name), join(folder, name), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is read the same from a copy', () => {
    expect(loadBuiltBundle('production', folder)).toEqual(loadBuiltBundle('production'));
  });

  it('has the profile that was asked for, and texts for its reasons', () => {
    for (const profile of ['development', 'production'] as const) {
      const { data } = loadBuiltBundle(profile);
      expect(data['profile']).toBe(profile);
      expect(Object.keys(data['reasons'] as object).length).toBeGreaterThan(50);
    }
  });

  it.each(['dist/policy.wasm', 'data/production.json', 'data/reasons.json', 'schemas/decision.schema.json'])('refuses %s when it is not the locked one', (path) => {
    appendFileSync(join(folder, path), '\n');
    expect(() => loadBuiltBundle('production', folder)).toThrow(expect.objectContaining({ code: 'policy-bundle-stale' }));
  });

  it.each(['dist/policy.wasm', 'dist/policy.lock.json', 'data/production.json'])('refuses to do without %s', (path) => {
    rmSync(join(folder, path));
    expect(() => loadBuiltBundle('production', folder)).toThrow(expect.objectContaining({ code: 'policy-bundle-malformed' }));
  });

  it.each(['', '[]', '{}', 'null'])('refuses a lock of %j', (text) => {
    writeFileSync(join(folder, 'dist/policy.lock.json'), text);
    const code = text === '' ? 'policy-bundle-malformed' : 'policy-bundle-stale';
    expect(() => loadBuiltBundle('production', folder)).toThrow(expect.objectContaining({ code }));
  });
});
