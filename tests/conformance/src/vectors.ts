import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Paths of all files below `folder`, relative to it, with `/`, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return files.map((file) => file.split(sep).join('/')).sort();
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

export async function readBytes(...path: readonly string[]): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(...path)));
}

export async function readText(...path: readonly string[]): Promise<string> {
  return readFile(join(...path), 'utf8');
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = '\u0000integer:';

/** JSON in which every whole number becomes a `bigint`: vectors go up to 2^64 - 1, which `JSON.parse` alone would round. */
export function parseJson(text: string): unknown {
  const marked = text.replaceAll(TOKEN, (token) => (/^-?\d+$/.test(token) ? `"\\u0000integer:${token}"` : token));
  return JSON.parse(marked, (_, value: unknown) => (typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value));
}

/** Runs `judge`; the outcome as text: what it returned, or `reject` when it refused. */
export async function outcome(judge: () => unknown): Promise<string> {
  try {
    const result = await judge();
    return typeof result === 'string' ? result : 'accept';
  } catch (cause) {
    if (isRefusal(cause)) return 'reject';
    throw cause;
  }
}

/** Refusals carry a code of ours. Anything else is a defect, and must not pass for a refusal. */
function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^[a-z0-9]+(-[a-z0-9]+)+$/.test(cause.code);
}
