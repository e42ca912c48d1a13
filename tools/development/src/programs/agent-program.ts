import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { MALLOC_ENVIRONMENT } from '@strongroom/agent-sealing';
import { DevelopmentError } from '../errors.js';
import { agentEvents, parseAgentLine, type AgentEventName, type AgentEventOf, type AnyAgentEvent } from './agent-events.js';
import { childEnvironment } from './environment.js';
import type { Guardian } from './guardian.js';
import { forEachLine, Program } from './program.js';

export interface AgentOptions {
  readonly name: string;
  readonly script: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly guardian: Guardian;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

interface Waiter {
  readonly matches: (event: AnyAgentEvent) => boolean;
  readonly resolve: (event: AnyAgentEvent) => void;
}

/** A node's agent: its short jobs, and its daemon with the events it tells. */
export class AgentProgram {
  readonly daemon: Program;
  readonly #events: AnyAgentEvent[] = [];
  #waiters: Waiter[] = [];
  #listener: ((event: AnyAgentEvent) => void) | undefined;

  constructor(private readonly options: AgentOptions) {
    const { name, script, configFile, logFile, guardian, environment = {} } = options;
    this.daemon = new Program({
      name: `agent ${name}`,
      script,
      args: ['run', '--enrol', '--config', configFile, '--json'],
      logFile,
      guardian,
      environment: { ...MALLOC_ENVIRONMENT, ...environment },
      onLine: (line) => { this.#hear(line); },
    });
  }

  /** Everything the daemon told since it was last started. */
  get events(): readonly AnyAgentEvent[] {
    return this.#events;
  }

  /** Starts the daemon: it enrols, attests, then waits for granted requests. */
  async start(environment: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    this.#events.length = 0;
    await this.daemon.start(environment);
  }

  /** Told of each event from now on; one listener at a time. */
  listen(listener: ((event: AnyAgentEvent) => void) | undefined): void {
    this.#listener = listener;
  }

  /**
   * The first event of a name that fits, told already or yet to come.
   * @throws DevelopmentError `agent-failed` when the agent refuses what the event belongs to or the time is up, `program-ended` when it ends
   */
  async event<K extends AgentEventName>(name: K, options: { readonly where?: (event: AgentEventOf<K>) => boolean; readonly timeoutMs?: number; readonly request?: string } = {}): Promise<AgentEventOf<K>> {
    const { where = () => true, timeoutMs = 30_000, request } = options;
    const fits = (event: AnyAgentEvent): boolean => {
      const parsed = event.event === name ? agentEvents[name].safeParse(event) : undefined;
      return parsed?.success === true && where(parsed.data as AgentEventOf<K>);
    };
    const refuses = (event: AnyAgentEvent): boolean => event.event === 'refused' && name !== 'refused' && request !== undefined && event['request'] === request;
    const found = await this.#first((event) => fits(event) || refuses(event), name, timeoutMs);
    if (!fits(found)) {
      const refused = agentEvents.refused.parse(found);
      throw new DevelopmentError('agent-failed', `${this.daemon.name} refuses: ${refused.message} (${refused.reason ?? refused.code})`, { reason: refused.reason ?? refused.code });
    }
    return agentEvents[name].parse(found) as AgentEventOf<K>;
  }

  async #first(matches: Waiter['matches'], name: string, timeoutMs: number): Promise<AnyAgentEvent> {
    const told = this.#events.find(matches);
    if (told !== undefined) return told;
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise<AnyAgentEvent>((resolve, reject) => {
        waiter = { matches, resolve };
        this.#waiters.push(waiter);
        timer = setTimeout(() => { reject(new DevelopmentError('agent-failed', `${this.daemon.name} did not tell "${name}" within ${timeoutMs / 1000} s: see ${this.daemon.logFile}`, { reason: 'timeout', details: this.daemon.lastLines() })); }, timeoutMs);
        void this.daemon.exited.then((exit) => { reject(this.daemon.ended(exit)); });
      });
    } finally {
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter((candidate) => candidate !== waiter);
    }
  }

  #hear(line: string): void {
    const event = parseAgentLine(line);
    if (event === undefined) return;
    this.#events.push(event);
    this.#listener?.(event);
    for (const waiter of this.#waiters.filter(({ matches }) => matches(event))) waiter.resolve(event);
  }

  /**
   * Runs one of the agent's short jobs to its end.
   * @returns its events.
   * @throws DevelopmentError `agent-failed` with the agent's code as its reason
   */
  async job(command: 'identity' | 'enrol' | 'attest' | 'seal', args: readonly string[] = [], onEvent: (event: AnyAgentEvent) => void = () => undefined): Promise<AnyAgentEvent[]> {
    const { script, configFile, logFile, guardian, name, environment = {} } = this.options;
    const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', process.execPath, script, command, '--config', configFile, '--json', ...args], {
      detached: true,
      env: childEnvironment({ ...MALLOC_ENVIRONMENT, ...environment }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guardian.watch(child);
    const events: AnyAgentEvent[] = [];
    const errors: string[] = [];
    forEachLine(child.stdout, (line) => {
      const event = parseAgentLine(line);
      if (event === undefined) return;
      events.push(event);
      onEvent(event);
    });
    forEachLine(child.stderr, (line) => errors.push(line));
    const code = await new Promise<number>((resolve) => {
      child.once('error', () => { resolve(127); });
      child.once('close', (status) => { resolve(status ?? 1); });
    });
    appendFileSync(logFile, [...events.filter(({ event }) => event !== 'sealing').map((event) => JSON.stringify(event)), ...errors, ''].join('\n'), { mode: 0o600 });
    if (code !== 0) throw jobFailure(name, command, code, errors);
    return events;
  }
}

function jobFailure(name: string, command: string, code: number, errors: readonly string[]): DevelopmentError {
  const last = errors.at(-1) ?? '';
  try {
    const { error, message } = JSON.parse(last) as { error?: unknown; message?: unknown };
    if (typeof error === 'string' && typeof message === 'string') return new DevelopmentError('agent-failed', `agent ${name} cannot ${command}: ${message} (${error})`, { reason: error });
  } catch {
    // Told below as it came.
  }
  return new DevelopmentError('agent-failed', `agent ${name} could not ${command} (code ${code})`, { reason: `code-${code}`, details: errors.slice(-6) });
}

/** The event of a finished job. @throws DevelopmentError `agent-failed` */
export function eventOf<K extends AgentEventName>(events: readonly AnyAgentEvent[], name: K): AgentEventOf<K> {
  for (const event of events) {
    const parsed = event.event === name ? agentEvents[name].safeParse(event) : undefined;
    if (parsed?.success === true) return parsed.data as AgentEventOf<K>;
  }
  throw new DevelopmentError('agent-failed', `the agent did not tell "${name}"`, { reason: 'event-missing' });
}
