import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageClosure } from './package-closure.js';

describe('packageClosure', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'strongroom-closure-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const install = (folder: string, manifest: object): string => {
    const path = join(root, folder);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'package.json'), JSON.stringify({ version: '1.0.0', ...manifest }));
    return path;
  };
  const names = (folder: string): string[] => packageClosure(folder).map(({ name, version }) => `${name}@${version}`).sort();

  it('follows dependencies of dependencies, each as Node would find it, cycles included', () => {
    const app = install('app', { name: 'app', dependencies: { a: '1', b: '1' } });
    install('node_modules/a', { name: 'a', dependencies: { b: '2' } });
    install('node_modules/a/node_modules/b', { name: 'b', version: '2.0.0' });
    install('node_modules/b', { name: 'b', dependencies: { a: '1' } });
    expect(names(app)).toEqual(['a@1.0.0', 'app@1.0.0', 'b@1.0.0', 'b@2.0.0']);
  });

  it('takes an optional dependency where it is there, and demands the others', () => {
    const app = install('app', { name: 'app', optionalDependencies: { a: '1', missing: '1' } });
    install('node_modules/a', { name: 'a' });
    expect(names(app)).toEqual(['a@1.0.0', 'app@1.0.0']);
    const broken = install('broken', { name: 'broken', dependencies: { missing: '1' } });
    expect(() => packageClosure(broken)).toThrow('missing');
  });
});
