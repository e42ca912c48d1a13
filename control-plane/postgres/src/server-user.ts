import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { PostgresError } from './errors.js';

/** The account PostgreSQL runs under when we are root, which it refuses to be. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Spawn options that drop to `user`; the working folder must be one that every user can enter. */
export function as(user: ServerUser | undefined): { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv } {
  // A bare environment: PGDATA, PGPORT and their like would override what we pass.
  const env: NodeJS.ProcessEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return user === undefined ? { cwd: '/', env } : { uid: user.uid, gid: user.gid, cwd: '/', env };
}

/**
 * The account for a new database: none for an ordinary user; for root `postgres` where that exists, else `nobody`.
 * It must stand in /etc/passwd, since initdb looks its own name up.
 */
export async function chooseServerUser(): Promise<ServerUser | undefined> {
  if (!isRoot()) return undefined;
  const accounts = await readAccounts();
  const user = accounts.find(({ name }) => name === 'postgres') ?? accounts.find(({ name }) => name === 'nobody');
  if (user === undefined || user.uid === 0) {
    throw new PostgresError('user-missing', 'PostgreSQL does not run as root, and /etc/passwd has neither "postgres" nor "nobody"');
  }
  return user;
}

/** The account that owns an existing data folder, when we are root. */
export async function serverUserWithUid(uid: number): Promise<ServerUser | undefined> {
  if (!isRoot()) return undefined;
  const user = (await readAccounts()).find((account) => account.uid === uid);
  if (user === undefined || uid === 0) {
    throw new PostgresError('user-missing', `the data folder belongs to user id ${uid}, which PostgreSQL cannot run as`);
  }
  return user;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether `user` can enter `folder`, tried rather than computed: modes, groups and ACLs all count. */
export function canEnter(user: ServerUser | undefined, folder: string): boolean {
  if (user === undefined) return true;
  return spawnSync('/bin/sh', ['-c', 'test -d "$1" && test -x "$1"', 'sh', folder], as(user)).status === 0;
}

async function readAccounts(): Promise<ServerUser[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  return lines.flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}
