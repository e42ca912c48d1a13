import { link, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { PostgresError } from './errors.js';
import { processIdentity } from './process-identity.js';

interface OwnerRecord {
  pid: number;
  identity: string;
}

export interface Ownership {
  release(): Promise<void>;
}

const prefix = 'owner.';

/**
 * Makes this process the only one that serves `folder`, until it releases or dies; a dead owner is succeeded.
 *
 * Each owner is a file `owner.<n>` that appears complete (by hard link) and exactly once; the highest number owns. A successor
 * creates number n+1 after finding n dead, so of two successors one fails. The last file is never removed: an empty folder
 * would let a latecomer begin again at 1 beside a living owner.
 *
 * Does not see processes of another machine or pid namespace: for those the caller also tries the database's socket.
 *
 * @throws PostgresError `home-in-use` when a living process owns the folder.
 */
export async function takeOwnership(folder: string): Promise<Ownership> {
  const identity = processIdentity(process.pid);
  if (identity === undefined) throw new PostgresError('platform-unsupported', 'cannot tell when this process started');
  const draft = join(folder, `draft.${randomBytes(8).toString('hex')}`);
  await writeFile(draft, JSON.stringify({ pid: process.pid, identity } satisfies OwnerRecord), { mode: 0o600 });
  try {
    for (;;) {
      const generation = await highest(folder);
      await refuseLivingOwner(folder, generation);
      const mine = join(folder, `${prefix}${generation + 1}`);
      if (!(await appears(draft, mine))) continue;
      // Slow between looking and appearing, we may have filled a gap that two successions left behind.
      if ((await highest(folder)) !== generation + 1) {
        await unlink(mine);
        continue;
      }
      await removeOlder(folder, generation + 1);
      return { release: () => release(folder, generation + 1) };
    }
  } finally {
    await unlink(draft);
  }
}

async function highest(folder: string): Promise<number> {
  return Math.max(0, ...(await generations(folder)));
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^owner\.[1-9]\d{0,14}$/.test(name)).map((name) => Number(name.slice(prefix.length)));
}

async function refuseLivingOwner(folder: string, generation: number): Promise<void> {
  if (generation === 0) return;
  const record = await readRecord(join(folder, `${prefix}${generation}`));
  if (record === undefined || processIdentity(record.pid) !== record.identity) return;
  throw new PostgresError('home-in-use', `process ${record.pid} already serves the database in ${folder}: stop it first`);
}

async function readRecord(path: string): Promise<OwnerRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('identity' in value)) return undefined;
    const { pid, identity } = value;
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof identity === 'string' ? { pid, identity } : undefined;
  } catch {
    return undefined;
  }
}

/** False when `path` was taken in the meantime. */
async function appears(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) return false;
    throw cause;
  }
}

async function removeOlder(folder: string, generation: number): Promise<void> {
  for (const older of await generations(folder)) {
    if (older < generation) await unlink(join(folder, `${prefix}${older}`)).catch(() => undefined);
  }
}

async function release(folder: string, generation: number): Promise<void> {
  await writeFile(join(folder, `${prefix}${generation}`), '{}').catch(() => undefined);
}

/** By shape rather than class: under Jest the errors of Node and of node-postgres come from another realm. */
export function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
