import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { DevelopmentError } from '../errors.js';
import { childEnvironment } from './environment.js';
import type { Guardian } from './guardian.js';

export interface ProgramOptions {
  /** As people are told it. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly guardian: Guardian;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A line of standard output after which the program serves. Absent: it serves once started. */
  readonly isReady?: (line: string) => boolean;
  readonly onLine?: (line: string) => void;
  readonly readyTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Asked for by `stop` or `kill`. */
  readonly asked: boolean;
}

const LAST_LINES = 12;
const LARGEST_LOG_BYTES = 8 * 1024 * 1024;
const LONGEST_LINE = 240;
const LAST_WORDS_MS = 1000;

/**
 * One of the platform's programs: started with core dumps off, its output in a log file, ended with the launcher.
 * May be started again after it ended.
 */
export class Program {
  #child: ChildProcess | undefined;
  #exited: Promise<ProgramExit> = Promise.resolve({ code: null, signal: null, asked: true });
  #asked = false;

  constructor(private readonly options: ProgramOptions) {}

  get name(): string {
    return this.options.name;
  }

  get logFile(): string {
    return this.options.logFile;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the run that is on (or was last) ends. */
  get exited(): Promise<ProgramExit> {
    return this.#exited;
  }

  /** @throws DevelopmentError `program-ended` with the end of its log | `program-slow` */
  async start(environment: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    const { script, args, logFile } = this.options;
    keepSmall(logFile);
    const log = openSync(logFile, 'a', 0o600);
    // Its own session: Ctrl-C reaches the launcher alone, which ends everything in order. `ulimit` is the shell's; `exec` keeps the pid.
    const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', process.execPath, script, ...args], {
      detached: true,
      env: childEnvironment({ ...this.options.environment, ...environment }),
      stdio: ['ignore', 'pipe', log],
    });
    this.#child = child;
    this.#asked = false;
    this.options.guardian.watch(child);
    this.#exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => { resolve({ code, signal, asked: this.#asked }); };
      child.once('error', () => { end(127, null); });
      // Its last lines come with `close`, for which a program of its own that outlives it would make us wait.
      child.once('exit', (code, signal) => setTimeout(end, LAST_WORDS_MS, code, signal).unref());
      child.once('close', (code, signal) => {
        closeSync(log);
        end(code, signal);
      });
    });
    await this.#ready(child, log);
  }

  async #ready(child: ChildProcess, log: number): Promise<void> {
    const { isReady, onLine, readyTimeoutMs = 60_000, name } = this.options;
    let timer: NodeJS.Timeout | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new DevelopmentError('program-slow', `${name} was not ready within ${readyTimeoutMs / 1000} s: see ${this.logFile}`, { details: this.lastLines() }));
      }, readyTimeoutMs);
      forEachLine(child.stdout, (line) => {
        try {
          writeSync(log, `${line}\n`);
        } catch {
          // The log was closed: the program has ended and this is its last word.
        }
        onLine?.(line);
        if (isReady?.(line) === true) resolve();
      });
      if (isReady === undefined) resolve();
      void this.#exited.then((exit) => { reject(this.ended(exit)); });
    });
    try {
      await ready;
    } catch (error) {
      if (this.running) await this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks it to end; insists after its time. Safe to call again. */
  async stop(): Promise<ProgramExit> {
    if (this.running) {
      this.#asked = true;
      this.#child?.kill('SIGTERM');
      const timer = setTimeout(() => this.#child?.kill('SIGKILL'), this.options.stopTimeoutMs ?? 15_000);
      await this.#exited;
      clearTimeout(timer);
    }
    return this.#exited;
  }

  /** Ends it as a power cut would, or sends another signal. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProgramExit> {
    this.#asked = true;
    this.#child?.kill(signal);
    return this.#exited;
  }

  /** For who expects the program to end itself (a crash point): then it is no accident. */
  expectExit(): Promise<ProgramExit> {
    this.#asked = true;
    return this.#exited;
  }

  ended({ code, signal }: ProgramExit): DevelopmentError {
    const how = signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`;
    return new DevelopmentError('program-ended', `${this.name} ended ${how}: see ${this.logFile}`, { details: this.lastLines() });
  }

  lastLines(): string[] {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} …` : line));
    } catch {
      return [];
    }
  }
}

/** A log that grew large makes room, and is kept once. */
function keepSmall(logFile: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_LOG_BYTES) renameSync(logFile, `${logFile}.previous`);
}

/** Calls back for each whole line, and for what is left at the end. */
export function forEachLine(stream: NodeJS.ReadableStream | null, callback: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) callback(line);
  });
  stream?.on('end', () => {
    if (rest !== '') callback(rest);
  });
}
