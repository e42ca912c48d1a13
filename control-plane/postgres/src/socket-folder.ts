import { chmod, chown, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PostgresError } from './errors.js';
import { canEnter, type ServerUser } from './server-user.js';

/** Names the socket file only: nothing listens on TCP. */
export const port = 5432;

const shortName = 'strongroom-pg-';

/** sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const longestSocketPath = 103;

/**
 * A folder, closed to others, whose socket path is short enough for the kernel: beside the data where possible, else a new
 * one under the temporary folder. A short one left by a crash is removed first.
 *
 * @throws PostgresError `socket-path` when no candidate fits.
 */
export async function makeSocketFolder(folder: string, user: ServerUser | undefined): Promise<string> {
  await removeShortFolder(folder);
  const beside = join(folder, 'run');
  if (fits(beside)) {
    await mkdir(beside, { recursive: true });
    await closeTo(beside, user);
    return beside;
  }
  for (const parent of [tmpdir(), '/tmp', '/var/tmp']) {
    if (!fits(join(parent, `${shortName}XXXXXX`)) || !canEnter(user, parent)) continue;
    const short = await mkdtemp(join(parent, shortName)).catch(() => undefined);
    if (short === undefined) continue;
    await closeTo(short, user);
    await writeFile(join(folder, 'socket-folder'), short, { mode: 0o600 });
    return short;
  }
  throw new PostgresError('socket-path', `no folder for the socket has a path short enough for ${user?.name ?? 'this user'}`);
}

/** Removes the short folder that this database used, if any; the one beside the data stays. */
export async function removeShortFolder(folder: string): Promise<void> {
  const record = join(folder, 'socket-folder');
  const short = (await readFile(record, 'utf8').catch(() => '')).trim();
  // Removed recursively and possibly as root: only a real folder with our own kind of name.
  if (basename(short).startsWith(shortName) && (await lstat(short).catch(() => undefined))?.isDirectory() === true) {
    await rm(short, { recursive: true, force: true });
  }
  await rm(record, { force: true });
}

/** Whether a server answers on the socket of `folder`, even one whose process we cannot see (another container). */
export function answers(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(folder, `.s.PGSQL.${port}`));
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', () => {
      end(false);
    });
  });
}

/** PostgreSQL reads its setting as a list, so a path with commas, quotes or spaces at its ends would be misread. */
function fits(path: string): boolean {
  return /^[\w./@+-]+$/.test(path) && Buffer.byteLength(`${path}/.s.PGSQL.${port}`) <= longestSocketPath;
}

async function closeTo(folder: string, user: ServerUser | undefined): Promise<void> {
  await chmod(folder, 0o700);
  if (user !== undefined) await chown(folder, user.uid, user.gid);
}
