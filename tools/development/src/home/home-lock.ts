import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevelopmentError } from '../errors.js';

interface Holder {
  readonly pid: number;
  /** Tells this process from a later one with the same number. */
  readonly started: string;
}

export interface HomeLock {
  release(): void;
}

/**
 * Makes this process the only launcher of a home. A holder that died is succeeded. Two starts that succeed the same dead holder
 * at the same instant are told apart by the database, which has an owner lock of its own; this one is for the clear word.
 * @throws DevelopmentError `home-in-use`
 */
export function lockHome(root: string, me: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' }): HomeLock {
  const path = join(root, 'launcher.lock');
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(me), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (appears(draft, path)) return { release: () => { if (sameHolder(read(path), me)) rmSync(path, { force: true }); } };
      const holder = read(path);
      if (holder !== undefined && startOf(holder.pid) === holder.started) {
        throw new DevelopmentError('home-in-use', `process ${holder.pid} runs the platform in ${root}: stop it first, or set STRONGROOM_HOME to another folder`);
      }
      rmSync(path, { force: true });
    }
    throw new DevelopmentError('home-in-use', `another start is taking ${root}: try again, or set STRONGROOM_HOME to another folder`);
  } finally {
    rmSync(draft, { force: true });
  }
}

function appears(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return Number.isSafeInteger(pid) && pid !== undefined && pid > 0 && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function sameHolder(a: Holder | undefined, b: Holder): boolean {
  return a?.pid === b.pid && a.started === b.started;
}

/** When a process started, as far as this system tells; undefined when there is none. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold spaces: count from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
  } catch {
    return process.platform === 'linux' ? undefined : aliveElsewhere(pid);
  }
}

function aliveElsewhere(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return undefined;
  }
}
