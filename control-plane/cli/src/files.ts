import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from './errors.js';
import { safeJson, shown } from './terminal/text.js';

const MAX_FILE_BYTES = 32 * 1024 * 1024;
const MAX_PRIVATE_BYTES = 64 * 1024;

/** @throws CliError `file-missing` | `file-malformed` */
export async function readBounded(path: string, maxBytes = MAX_FILE_BYTES): Promise<Uint8Array> {
  return readOpened(path, maxBytes, false);
}

/**
 * Reads a file that holds a secret: a regular file, ours, that nobody else can read. The caller zeroes what it gets.
 * @throws CliError `file-missing` | `file-malformed` | `file-too-open`
 */
export async function readPrivate(path: string): Promise<Uint8Array> {
  return readOpened(path, MAX_PRIVATE_BYTES, true);
}

async function readOpened(path: string, maxBytes: number, isPrivate: boolean): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | (isPrivate ? constants.O_NOFOLLOW : 0)).catch((cause: unknown) => {
    throw new CliError('file-missing', `${shown(path)} cannot be opened (${String((cause as { code?: unknown }).code)})`, { cause });
  });
  try {
    // Of the opened file, not of the name: the name may point elsewhere a moment later.
    const { mode, uid, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new CliError('file-malformed', `${shown(path)} is not a file`);
    const foreign = process.getuid !== undefined && uid !== process.getuid() && uid !== 0;
    if (isPrivate && ((mode & 0o077) !== 0 || foreign)) {
      throw new CliError('file-too-open', `${shown(path)} can be read by others`, { remedy: `chmod 600 ${shown(path)}` });
    }
    if (size > maxBytes) throw new CliError('file-malformed', `${shown(path)} is larger than ${maxBytes} bytes`);
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}

/** @throws CliError `file-missing` | `file-malformed` */
export async function readJson(path: string): Promise<unknown> {
  return parseJson(await readBounded(path), path);
}

/** The parser's own message is dropped: it quotes what it read. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CliError('file-malformed', `${shown(name)} is not JSON`);
  }
}

/** Writes a file whole or not at all, replacing an earlier one. */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, content, { mode, flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new CliError('file-missing', `${shown(path)} cannot be written (${String((cause as { code?: unknown }).code)})`, { cause });
  }
}

/** Writes a file that must not be there yet. @throws CliError `file-exists` */
export async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { flag: 'wx' }).catch((cause: unknown) => {
    const exists = (cause as { code?: unknown }).code === 'EEXIST';
    throw new CliError(exists ? 'file-exists' : 'file-missing', exists ? `${shown(path)} is there already` : `${shown(path)} cannot be written`, { cause });
  });
}

export function jsonFile(value: unknown): string {
  return `${safeJson(value)}\n`;
}
