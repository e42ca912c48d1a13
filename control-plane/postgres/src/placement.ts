import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { PostgresError } from './errors.js';
import { isCode } from './owner-lock.js';
import { canEnter, chooseServerUser, isRoot, serverUserWithUid, type ServerUser } from './server-user.js';
import { prepareSystemFolder, systemFolder } from './system-folder.js';

/** Where one database lives, and as whom it runs. */
export interface Placement {
  /** Real path of the folder that holds `data`, the owner's lock, the log and, where needed, the copied programs. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly user: ServerUser | undefined;
}

const recordName = 'postgres.json';

/**
 * The placement recorded in `home`, or a new one: in `home` itself where the server's account can enter it, else a folder of
 * its own under /var/lib/strongroom. The choice is recorded before anything is written there, and never revised: a database
 * that moved by itself would look like an empty one.
 *
 * @throws PostgresError `data-missing` when the recorded folder is gone, `home-other-user` when another account made it.
 */
export async function place(home: string): Promise<Placement> {
  await mkdir(home, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
  const realHome = await realpath(home);
  return (await recordedPlacement(realHome)) ?? (await newPlacement(realHome));
}

/** Lets the next start of `home` begin with an empty database. */
export async function forgetPlacement(home: string): Promise<void> {
  await rm(join(home, recordName), { force: true });
}

async function recordedPlacement(home: string): Promise<Placement | undefined> {
  const recorded = await readRecord(join(home, recordName));
  if (recorded === undefined) return undefined;
  const folder = resolve(home, recorded);
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) {
    const advice = `restore it, or remove ${join(home, recordName)} to begin with an empty database`;
    throw new PostgresError('data-missing', `the database recorded in ${home} was at ${folder} and is gone: ${advice}`);
  }
  const dataFolder = join(folder, 'data');
  const owner = (await stat(dataFolder).catch(() => undefined))?.uid;
  if (owner === undefined) return { folder, dataFolder, user: await chooseServerUser() };
  if (!isRoot() && owner !== process.getuid?.()) {
    throw new PostgresError('home-other-user', `the database in ${home} belongs to user id ${owner}: start as the one who made it`);
  }
  return { folder, dataFolder, user: await serverUserWithUid(owner) };
}

async function newPlacement(home: string): Promise<Placement> {
  const user = await chooseServerUser();
  const local = canEnter(user, home);
  const recorded = local ? 'postgres' : join(systemFolder, randomBytes(8).toString('hex'));
  const folder = resolve(home, recorded);
  if (!local) await prepareSystemFolder();
  await mkdir(folder, { recursive: true });
  await chmod(folder, user === undefined ? 0o700 : 0o711);
  if (!canEnter(user, folder)) {
    throw new PostgresError('home-other-user', `${user?.name ?? 'the server'} cannot enter ${folder}: choose a home it can reach`);
  }
  if (!local) await writeFile(join(folder, 'home'), `${home}\n`, { mode: 0o600 });
  await writeRecord(join(home, recordName), recorded);
  return { folder, dataFolder: join(folder, 'data'), user };
}

async function readRecord(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const folder = folderIn(text);
  if (folder === undefined || !(folder === 'postgres' || (isAbsolute(folder) && folder.startsWith(`${systemFolder}/`)))) {
    throw new PostgresError('home-malformed', `${path} does not say where the database is`);
  }
  return folder;
}

function folderIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'folder' in value && typeof value.folder === 'string' ? value.folder : undefined;
  } catch {
    return undefined;
  }
}

async function writeRecord(path: string, folder: string): Promise<void> {
  await writeFile(`${path}.partial`, `${JSON.stringify({ version: 1, folder })}\n`, { mode: 0o600 });
  await rename(`${path}.partial`, path);
}
