import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { CollectorError } from '../errors.js';

/** The environment whose PATH is searched; nothing else of it reaches the tools. */
export type ToolEnvironment = Readonly<Record<string, string | undefined>>;

const INSTALL = 'install swtpm and swtpm-tools (Debian, Ubuntu: apt-get install swtpm swtpm-tools)';
const MAX_OUTPUT = 4096;

/** Absolute path of a program on PATH. @throws CollectorError `swtpm-unavailable` */
export async function findTool(name: string, env: ToolEnvironment): Promise<string> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((part) => isAbsolute(part))) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  throw new CollectorError('swtpm-unavailable', `${name} is not on PATH; ${INSTALL}`);
}

/** What the tools get: where programs are, and plain English messages. */
export function toolEnvironment(env: ToolEnvironment): Record<string, string> {
  return { PATH: env['PATH'] ?? '', LC_ALL: 'C' };
}

/**
 * Runs a tool to its end.
 * @throws CollectorError `swtpm-unavailable` with the end of what it printed when it fails or takes longer than `timeoutMs`.
 */
export async function runTool(path: string, args: readonly string[], env: ToolEnvironment, timeoutMs: number): Promise<void> {
  // /bin/sh would be one more thing to quote for: no shell.
  const child = spawn(path, args, { env: toolEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
  const output = tailOf(child.stdout, child.stderr);
  const ending = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? `code ${code}`}`));
  });
  if (ending !== undefined) throw new CollectorError('swtpm-unavailable', `${path} failed: ${ending}. ${output()}`.trim());
}

/** Keeps the end of what streams give, however much that is. */
export function tailOf(...streams: readonly NodeJS.ReadableStream[]): () => string {
  let tail = '';
  for (const stream of streams) {
    stream.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-MAX_OUTPUT);
    });
  }
  return () => tail.trim().split('\n').slice(-3).join(' ');
}
