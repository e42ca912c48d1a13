import { spawn, type ChildProcess } from 'node:child_process';
import { chown, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Binaries } from './binaries.js';
import { PostgresError } from './errors.js';
import type { Placement } from './placement.js';
import { processIdentity, worksIn } from './process-identity.js';
import { as } from './server-user.js';
import { answers, port } from './socket-folder.js';

export interface PostmasterExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Postmaster {
  readonly pid: number;
  readonly exited: Promise<PostmasterExit>;
  /** Lets this process end without it. */
  unref(): void;
}

/** PostgreSQL's own names for ending it: fast rolls back and writes a checkpoint, immediate leaves recovery to the next start. */
export const shutdownSignal = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const pollMs = 20;
const largestLogBytes = 8 * 1024 * 1024;

/**
 * Ends what a crash of ours left behind. PostgreSQL outlives a supervisor killed with SIGKILL; its settings and socket may be
 * of an older release, so it is stopped (immediately: it may be serving half-dead clients) rather than adopted, and recovery
 * brings back every acknowledged commit. The caller holds the home's ownership.
 *
 * @throws PostgresError `home-in-use` when a server that is not a process we see answers on the recorded socket,
 *   `stop-failed` when the orphan does not end.
 */
export async function endLeftover(dataFolder: string): Promise<'none' | 'stale-lock' | 'orphan'> {
  const lock = await readLockFile(dataFolder);
  if (lock === undefined) return 'none';
  if (worksIn(lock.pid, dataFolder)) {
    await endOrphan(lock.pid);
    return 'orphan';
  }
  if (lock.socketFolder !== '' && (await answers(lock.socketFolder))) {
    throw new PostgresError('home-in-use', `a database server out of our sight serves ${dataFolder}`);
  }
  if (processIdentity(lock.pid) !== undefined) await disown(dataFolder, lock.lines);
  return 'stale-lock';
}

/** Starts the server and returns once it accepts connections. A lock that a dying predecessor still holds is waited for. */
export async function startPostmaster(
  placement: Placement,
  binaries: Binaries,
  socketFolder: string,
  options: { readonly timeoutMs: number; readonly settings: Readonly<Record<string, string>> },
): Promise<Postmaster> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    const log = await openLog(join(placement.folder, 'postgres.log'));
    const child = spawnPostmaster(placement, binaries, socketFolder, options.settings, log.fd);
    const exited = exitOf(child);
    await log.file.close();
    const outcome = await ready(placement.dataFolder, child, exited, deadline);
    if (outcome === 'ready' && child.pid !== undefined) return { pid: child.pid, exited, unref: () => { child.unref(); } };
    if (outcome === 'timeout') {
      child.kill('SIGKILL');
      throw new PostgresError('start-timeout', `PostgreSQL was not ready within ${options.timeoutMs} ms; see ${log.path}`);
    }
    const said = await readFrom(log.path, log.size);
    const waitsForPredecessor = /lock file "[^"]*" already exists|pre-existing shared memory block/.test(said);
    if (!waitsForPredecessor || Date.now() > deadline) {
      throw new PostgresError('start-failed', `PostgreSQL did not start: ${lastFatal(said)} (see ${log.path})`);
    }
    await delay(100);
    await endLeftover(placement.dataFolder);
  }
}

/** Fast, then immediate, then SIGKILL, each within its bound. */
export async function stopPostmaster(postmaster: Postmaster, fastMs: number): Promise<void> {
  const steps = [
    { signal: shutdownSignal.fast, waitMs: fastMs },
    { signal: shutdownSignal.immediate, waitMs: 5000 },
    { signal: 'SIGKILL', waitMs: 5000 },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (waitMs === 0) continue;
    send(postmaster.pid, signal);
    const ended = await Promise.race([postmaster.exited.then(() => true), delay(waitMs, false, { ref: false })]);
    if (ended) return;
  }
  throw new PostgresError('stop-failed', `PostgreSQL (process ${postmaster.pid}) does not end`);
}

function spawnPostmaster(
  placement: Placement,
  binaries: Binaries,
  socketFolder: string,
  settings: Readonly<Record<string, string>>,
  log: number,
): ChildProcess {
  const all: Record<string, string> = {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: socketFolder,
    unix_socket_permissions: '0700',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_timezone: 'UTC',
    timezone: 'UTC',
    // A failing statement and the DETAIL of its error carry row values: neither belongs in a log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...settings,
    // Not to be tuned away: an acknowledged commit survives.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
  };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // A session of its own: Ctrl-C in the terminal reaches us alone, and we stop the server when its clients are done.
  return spawn(binaries.postgres, ['-D', placement.dataFolder, ...options], {
    ...as(placement.user),
    detached: true,
    stdio: ['ignore', log, log],
  });
}

function exitOf(child: ChildProcess): Promise<PostmasterExit> {
  return new Promise((resolve) => {
    child.once('error', () => {
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
}

async function ready(
  dataFolder: string,
  child: ChildProcess,
  exited: Promise<PostmasterExit>,
  deadline: number,
): Promise<'ready' | 'exited' | 'timeout'> {
  let over = false;
  void exited.then(() => (over = true));
  while (Date.now() < deadline) {
    if (over) return 'exited';
    const lock = await readLockFile(dataFolder);
    if (lock !== undefined && lock.pid === child.pid && lock.status === 'ready') return 'ready';
    await delay(pollMs);
  }
  return 'timeout';
}

interface LockFile {
  readonly pid: number;
  readonly socketFolder: string;
  readonly status: string;
  readonly lines: readonly string[];
}

/** postmaster.pid: pid, data folder, start, port, socket folder, address, shared memory, status (miscadmin.h, LOCK_FILE_LINE_*). */
async function readLockFile(dataFolder: string): Promise<LockFile | undefined> {
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, socketFolder: (lines[4] ?? '').trim(), status: (lines[7] ?? '').trim(), lines };
}

/**
 * The lock names a process that is another program by now, and PostgreSQL would refuse to start. Removing the file would also
 * remove its shared memory key, by which PostgreSQL notices surviving children of the dead server; so only the pid is
 * replaced, by that of its own parent to be, which it takes for stale.
 */
async function disown(dataFolder: string, lines: readonly string[]): Promise<void> {
  const path = join(dataFolder, 'postmaster.pid');
  const { uid, gid } = await stat(path);
  await writeFile(`${path}.partial`, [String(process.pid), ...lines.slice(1)].join('\n'), { mode: 0o600 });
  if (process.getuid?.() === 0) await chown(`${path}.partial`, uid, gid);
  await rename(`${path}.partial`, path);
}

async function endOrphan(pid: number): Promise<void> {
  const identity = processIdentity(pid);
  for (const signal of [shutdownSignal.immediate, 'SIGKILL'] as const) {
    send(pid, signal);
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      if (processIdentity(pid) !== identity) return;
      await delay(pollMs);
    }
  }
  throw new PostgresError('stop-failed', `the database server left by an earlier run (process ${pid}) does not end`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already; the caller waits for its end in any case.
  }
}

async function openLog(path: string) {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > largestLogBytes) await rename(path, `${path}.1`);
  const file = await open(path, 'a', 0o600);
  return { path, file, fd: file.fd, size: size > largestLogBytes ? 0 : size };
}

async function readFrom(path: string, offset: number): Promise<string> {
  return (await readFile(path)).subarray(offset).toString('utf8');
}

function lastFatal(log: string): string {
  const lines = log.split('\n').filter((line) => /FATAL|PANIC|error while loading/.test(line));
  return lines.at(-1)?.replace(/^.*?(FATAL|PANIC)/, '$1') ?? 'no reason given';
}
