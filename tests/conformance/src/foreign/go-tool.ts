import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program that others wrote, or why it cannot be had here. A build that fails for any other reason throws. */
export type ForeignTool = { readonly kind: 'built'; readonly path: string } | { readonly kind: 'unavailable'; readonly reason: string };

export interface ProgramResult {
  /** `undefined` when it was ended for taking too long. */
  readonly exitCode: number | undefined;
  /** Both streams, the last 64 KiB. */
  readonly output: string;
}

export interface GoBuild {
  /** Of the finished program, below the cache folder. */
  readonly name: string;
  /** Arguments of `go`; `{out}` stands for the folder to build into. */
  readonly args: readonly string[];
  readonly workingFolder?: string;
  /** The module and its checksum as `go version -m` must show them. */
  readonly module: string;
  readonly sum: string;
}

const repository = resolve(fileURLToPath(import.meta.url), '../../../../..');
const BUILD_TIMEOUT_MS = 10 * 60_000;
const NETWORK = /dial tcp|no such host|proxyconnect|connection refused|i\/o timeout|TLS handshake|network is unreachable|: 403 |: 404 |: 50\d |GOPROXY|lookup .* on /i;

/** The repository's cache, kept between runs and out of version control. */
export const cacheFolder = join(repository, '.cache');

/**
 * Builds a pinned Go program, once. The module's checksum is compared with `build.sum` after building and each time it is used, on top
 * of Go's own checksum database.
 */
export async function buildGoTool(build: GoBuild, cache: string = cacheFolder): Promise<ForeignTool> {
  const path = join(cache, 'foreign', build.name);
  const go = await run('go', ['version'], { timeoutMs: 30_000 }).catch(() => undefined);
  if (go?.exitCode !== 0) return { kind: 'unavailable', reason: 'there is no Go here' };
  if (!(await isFile(path))) {
    const reason = await install(build, path);
    if (reason !== undefined) return { kind: 'unavailable', reason };
  }
  const { output } = await run('go', ['version', '-m', path], { timeoutMs: 30_000 });
  const isPinned = output.split('\n').some((line) => line.includes(`\t${build.module}\t`) && line.trimEnd().endsWith(build.sum));
  if (!isPinned) throw new Error(`${path} was not built from ${build.module} ${build.sum}; remove it`);
  return { kind: 'built', path };
}

/** Runs a program and waits for its end, at most `timeoutMs`. A program that cannot be started rejects. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>>; readonly workingFolder?: string },
): Promise<ProgramResult> {
  return new Promise((resolveRun, reject) => {
    const spawned = { timeout: options.timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 << 20, cwd: options.workingFolder, env: { ...process.env, ...options.env } } as const;
    execFile(program, [...args], spawned, (error, stdout, stderr) => {
      const output = `${stdout}\n${stderr}`.slice(-65_536);
      if (error === null) resolveRun({ exitCode: 0, output });
      else if (typeof error.code === 'number') resolveRun({ exitCode: error.code, output });
      else if (error.killed === true) resolveRun({ exitCode: undefined, output });
      else reject(new Error(`${program} could not be run`, { cause: error }));
    });
  });
}

/** @returns why it cannot be built here, or `undefined` when it was. */
async function install(build: GoBuild, path: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true });
  // Built aside and renamed, so that two runs at once do not see half a program.
  const out = await mkdtemp(join(dirname(path), '.build-'));
  try {
    const args = build.args.map((arg) => arg.replace('{out}', out));
    const options = { timeoutMs: BUILD_TIMEOUT_MS, env: { GOBIN: out, GOFLAGS: '-buildvcs=false' }, ...(build.workingFolder === undefined ? {} : { workingFolder: build.workingFolder }) };
    const { exitCode, output } = await run('go', args, options);
    if (exitCode === 0) {
      const program = build.name.split('/').at(-1) ?? build.name;
      await rename(join(out, program), path);
      return undefined;
    }
    if (exitCode === undefined || NETWORK.test(output)) return `the Go modules cannot be had: ${output.trim().split('\n').at(-1) ?? ''}`;
    throw new Error(`go ${args.join(' ')} failed:\n${output}`);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isFile(), () => false);
}
