import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Real path. */
  readonly folder: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * A package and everything it can load: dependencies of dependencies, each from where Node would find it. An optional dependency
 * counts where it is installed.
 * @param folder of the package to begin with.
 * @throws Error when a package or a dependency it demands is not there
 */
export function packageClosure(folder: string): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const pending = [realpathSync(folder)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next)) continue;
    const manifest = JSON.parse(readFileSync(join(next, 'package.json'), 'utf8')) as Manifest;
    found.set(next, { name: manifest.name ?? '', version: manifest.version ?? '', folder: next });
    for (const name of Object.keys({ ...manifest.optionalDependencies, ...manifest.dependencies })) {
      const at = locate(name, next);
      if (at !== undefined) pending.push(at);
      else if (manifest.optionalDependencies?.[name] === undefined) throw new Error(`${manifest.name ?? next} needs ${name}, which is not installed`);
    }
  }
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** Node's own search: `node_modules` of the folder, then of each folder above it. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}
