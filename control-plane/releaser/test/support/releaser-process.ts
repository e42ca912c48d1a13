import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HOOKS = fileURLToPath(new URL('./typescript-hooks.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly arguments?: readonly string[];
  /** Options of Node itself. */
  readonly node?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** The releaser as a program, as an operator starts it. */
export class ReleaserProcess {
  readonly ended: Promise<Ended>;
  readonly ready: Promise<unknown>;
  private stderr = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => {
      resolve({ code, signal, stderr: this.stderr });
    }));
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    this.ready = Promise.race([
      new Promise<unknown>((resolve) => lines.once('line', (line) => {
        resolve(JSON.parse(line));
      })),
      this.ended.then(({ stderr }) => Promise.reject(new Error(`the releaser ended before it was ready: ${stderr}`))),
    ]);
    // Whoever waits only for its end must not be told of this by an unhandled rejection.
    this.ready.catch(() => undefined);
  }

  static start(configFile: string, options: ProcessOptions = {}): ReleaserProcess {
    const { NODE_OPTIONS: _, ...environment } = process.env;
    const child = spawn(process.execPath, [...(options.node ?? []), '--no-warnings', '--conditions=strongroom-source', '--import', HOOKS, MAIN, ...(options.arguments ?? ['--config', configFile])], {
      env: { ...environment, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ReleaserProcess(child);
  }

  /** What it has written to its log so far. */
  get log(): string {
    return this.stderr;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  send(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
