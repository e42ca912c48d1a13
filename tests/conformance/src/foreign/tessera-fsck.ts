import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildGoTool, run, type ForeignTool } from './go-tool.js';

const version = 'v1.0.4';

/** Tessera's `fsck`, which checks a whole tlog-tiles log: signature, every tile, every bundle, root. */
export function buildTesseraFsck(): Promise<ForeignTool> {
  return buildGoTool({
    name: `tessera-${version}/fsck`,
    args: ['install', `github.com/transparency-dev/tessera/cmd/fsck@${version}`],
    module: 'github.com/transparency-dev/tessera',
    sum: 'h1:IXjGowubcLR0T3zUQrysSMKgtTh9KGKQ0iajUiubyP4=',
  });
}

export interface FsckOptions {
  /** The program that `buildTesseraFsck` gave. */
  readonly program: string;
  /** The folder of the log, or the URL it is served at. */
  readonly log: string;
  readonly vkey: string;
  /** When it is not the key's name. */
  readonly origin?: string;
  /** Default 60 seconds. */
  readonly timeoutMs?: number;
}

export interface FsckResult {
  readonly isGood: boolean;
  /** The size that fsck says it has checked. */
  readonly size?: bigint;
  /** For people. */
  readonly output: string;
}

/**
 * Runs `fsck` on a log. Its exit code is not to be trusted: 1.0.4 ends with 0 after a failure, and hangs on a mismatch in the middle of
 * a log with one worker. So: eight workers, a time limit, and only the line that says it succeeded counts.
 */
export async function runTesseraFsck(options: FsckOptions): Promise<FsckResult> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-fsck-'));
  try {
    const key = join(folder, 'log.vkey');
    await writeFile(key, `${options.vkey}\n`);
    const url = /^(https?|file):/.test(options.log) ? options.log : pathToFileURL(options.log).href;
    const args = [`--storage_url=${url.endsWith('/') ? url : `${url}/`}`, `--public_key=${key}`, '--ui=false', '--N=8'];
    if (options.origin !== undefined) args.push(`--origin=${options.origin}`);
    const { exitCode, output } = await run(options.program, args, { timeoutMs: options.timeoutMs ?? 60_000 });
    const size = /Successfully fsck'd log with size (\d+)/.exec(output)?.[1];
    const isGood = exitCode === 0 && size !== undefined && !/fsck failed/i.test(output);
    return { isGood, ...(size === undefined ? {} : { size: BigInt(size) }), output: output.slice(-2000) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
