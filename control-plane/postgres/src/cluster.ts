import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.js';
import { PostgresError } from './errors.js';
import type { PasswordFolder } from './passwords.js';
import type { Placement } from './placement.js';
import { as } from './server-user.js';

/** The superuser; used by this package alone. */
export const administrator = 'strongroom_admin';

/**
 * Makes the database files once: data checksums, UTF-8, C locale, SCRAM on the socket, nothing else.
 * They are made under another name and renamed, so that a crash on the way is begun anew rather than half used.
 *
 * @returns whether they were made now.
 * @throws PostgresError `initdb-failed`
 */
export async function ensureCluster(placement: Placement, binaries: Binaries, passwords: PasswordFolder): Promise<boolean> {
  const { dataFolder, folder, user } = placement;
  if ((await stat(join(dataFolder, 'PG_VERSION')).catch(() => undefined)) !== undefined) return false;
  const password = await passwords.ensure(administrator);
  const partial = `${dataFolder}.partial`;
  const passwordFile = join(folder, 'password.partial');
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  await chmod(partial, 0o700);
  try {
    await rm(passwordFile, { force: true });
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (user !== undefined) {
      await chown(partial, user.uid, user.gid);
      await chown(passwordFile, user.uid, user.gid);
    }
    await runInitdb(placement, binaries, partial, passwordFile);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(partial, dataFolder);
  return true;
}

async function runInitdb(placement: Placement, binaries: Binaries, dataFolder: string, passwordFile: string): Promise<void> {
  const options = [
    `--pgdata=${dataFolder}`,
    `--username=${administrator}`,
    `--pwfile=${passwordFile}`,
    '--auth-local=scram-sha-256',
    '--auth-host=reject',
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--no-instructions',
  ];
  const child = spawn(binaries.initdb, options, { ...as(placement.user), stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new PostgresError('initdb-failed', 'initdb could not be started', { cause }));
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new PostgresError('initdb-failed', `initdb failed: ${complaint.trim()}`));
    });
  });
}
