import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DevelopmentError } from '../errors.js';

/** A folder of mode 0700, whatever the umask. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

/** Replaces a file of mode 0600 as a whole. */
export function writePrivateFile(path: string, content: string | Uint8Array): void {
  const draft = draftOf(path, content);
  renameSync(draft, path);
}

/**
 * The file's bytes; made by `make` when there is none. Of two programs that make it at once, one wins and both get its bytes,
 * and a crash leaves either no file or a whole one.
 */
export function loadOrMake(path: string, make: () => Uint8Array): Uint8Array {
  if (!existsSync(path)) {
    const made = make();
    const draft = draftOf(path, made);
    made.fill(0);
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readPrivateFile(path);
}

/** @throws DevelopmentError `home-unusable` for a file that others can read, or none */
export function readPrivateFile(path: string): Uint8Array {
  let mode: number;
  try {
    mode = statSync(path).mode;
  } catch (cause) {
    throw new DevelopmentError('home-unusable', `${path} is missing: restore it, or choose another STRONGROOM_HOME`, { cause });
  }
  if ((mode & 0o077) !== 0) throw new DevelopmentError('home-unusable', `${path} can be read by others: chmod 600 it`);
  return new Uint8Array(readFileSync(path));
}

function draftOf(path: string, content: string | Uint8Array): string {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx', flush: true });
  chmodSync(draft, 0o600);
  return draft;
}
