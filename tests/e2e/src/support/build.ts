import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

/** Root of the repository. */
export const ROOT = resolve(fileURLToPath(import.meta.url), '../../../../..');
const LOCK = join(ROOT, 'node_modules', '.strongroom-e2e-build');
const PATIENCE_MS = 120_000;

/**
 * Builds every project when a compiled file is missing or older than its source, since what runs here is the compiled programs.
 * Suites that start side by side build once: the others wait for the first.
 */
export async function ensureBuilt(): Promise<void> {
  if (!isStale()) return;
  const release = await takeLock();
  try {
    if (!isStale()) return;
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'tools', 'build.mjs'), '--all'], { cwd: ROOT, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
  } finally {
    release();
  }
}

function isStale(): boolean {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
  return workspaces.some((project) => {
    const [src, dist] = [join(ROOT, project, 'src'), join(ROOT, project, 'dist')];
    return existsSync(src) && sources(src).some((file) => modified(join(dist, file.replace(/\.ts$/, '.js'))) < modified(join(src, file)));
  });
}

function sources(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('.d.ts'));
}

/** Milliseconds; of a file that is missing, long ago. */
function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function takeLock(): Promise<() => void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const file = openSync(LOCK, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => { rmSync(LOCK, { force: true }); };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (performance.now() > deadline) throw new Error(`another build takes too long; remove ${LOCK}`);
    if (!(await holderLives())) rmSync(LOCK, { force: true });
    await sleep(100);
  }
}

async function holderLives(): Promise<boolean> {
  // Between making the file and writing into it there is a moment: an empty one is looked at again before it counts as left behind.
  for (let look = 0; look < 2; look += 1) {
    const holder = Number(existsSync(LOCK) ? readFileSync(LOCK, 'utf8') : process.pid);
    if (holder > 1) return isAlive(holder);
    await sleep(100);
  }
  return false;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
