import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevelopmentError } from '../errors.js';

/** Longest name added below: `/<node>/<12 characters>/weights.sock`. */
const ROOM_BYTES = 40;
const LONGEST_SOCKET_PATH = 107;

/**
 * A folder for sockets, closed to others, with a name short enough for the kernel however long the home's is.
 * The same home always gets the same one.
 * @throws DevelopmentError `home-unusable` when somebody else holds the name
 */
export function openRuntimeFolder(home: string, parents: readonly string[] = [tmpdir(), '/tmp']): string {
  const uid = process.getuid?.() ?? 0;
  const name = `strongroom-${uid}-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  const parent = parents.find((candidate) => Buffer.byteLength(join(candidate, name)) + ROOM_BYTES <= LONGEST_SOCKET_PATH);
  if (parent === undefined) throw new DevelopmentError('home-unusable', 'no temporary folder has a path short enough for sockets: set TMPDIR to a shorter one');
  const folder = join(parent, name);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // Anyone can make a folder in /tmp, with this name too: it must be a real one, and ours.
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid) throw new DevelopmentError('home-unusable', `${folder} belongs to somebody else: remove it, or set TMPDIR to a folder of your own`);
  chmodSync(folder, 0o700);
  return folder;
}
