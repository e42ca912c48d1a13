import { fork, type ChildProcess } from 'node:child_process';
import { DevelopmentError, type DevelopmentErrorCode } from '../errors.js';
import type { Founding } from '../genesis/found.js';
import type { PlatformFacts } from '../genesis/platform-keys.js';
import { childEnvironment } from '../programs/environment.js';
import { scriptOf } from '../programs/entry-points.js';
import type { People, PeopleSite } from './people.js';

/** What the people can be asked to do from outside their process; arguments and answers are plain JSON. */
export type PeopleOperation =
  | 'putRosterInForce'
  | 'putPolicyInForce'
  | 'putEnclaveInForce'
  | 'registerNode'
  | 'registerAsset'
  | 'assets'
  | 'request'
  | 'approve'
  | 'deny'
  | 'revoke'
  | 'releases'
  | 'exportLog'
  | 'documents';

export interface PeopleCall {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly reason?: string | undefined;
  readonly details?: readonly string[];
}

export type PeopleAnswer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: Failure };

/** Runs a call; what it throws becomes an answer too. */
export async function toAnswer(id: number, work: () => unknown): Promise<PeopleAnswer> {
  try {
    return { id, value: (await work()) ?? null };
  } catch (error) {
    const { code, message, reason, details } = error as { code?: unknown; message?: unknown; reason?: unknown; details?: unknown };
    return {
      id,
      failure: {
        code: typeof code === 'string' ? code : 'step-failed',
        message: typeof message === 'string' ? message : 'unknown',
        reason: typeof reason === 'string' ? reason : undefined,
        details: Array.isArray(details) ? details.filter((line) => typeof line === 'string') : [],
      },
    };
  }
}

/** The people's process, as the launcher sees it. */
export class RemotePeople {
  readonly #pending = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  #next = 1;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message) => { this.#settle(message as PeopleAnswer); });
    child.once('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new DevelopmentError('program-ended', 'the people’s process ended: start again'));
      this.#pending.clear();
    });
  }

  static start(script: string = scriptOf('people')): RemotePeople {
    return new RemotePeople(fork(script, [], { env: childEnvironment(), execArgv: [], serialization: 'json', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Makes everybody's keys and has the roots found the installation. */
  found(facts: PlatformFacts, peopleFolder: string): Promise<Founding> {
    return this.#ask('found', [facts, peopleFolder]) as Promise<Founding>;
  }

  /** Tells the people where the control plane is, and what they founded. */
  async connect(site: PeopleSite): Promise<void> {
    await this.#ask('connect', [site]);
  }

  /** @throws DevelopmentError as the people's own call would, or `program-ended` */
  call<K extends PeopleOperation>(operation: K, ...args: JsonArguments<Parameters<People[K]>>): Promise<Awaited<ReturnType<People[K]>>> {
    return this.#ask(operation, args) as Promise<Awaited<ReturnType<People[K]>>>;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.connected) this.child.disconnect();
    await exited;
  }

  #ask(method: string, args: readonly unknown[]): Promise<unknown> {
    if (!this.child.connected) return Promise.reject(new DevelopmentError('program-ended', 'the people’s process is gone: start again'));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.child.send({ id, method, args } satisfies PeopleCall);
    });
  }

  #settle(answer: PeopleAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('value' in answer) pending?.resolve(answer.value);
    else {
      const { code, message, reason, details } = answer.failure;
      pending?.reject(new DevelopmentError(code as DevelopmentErrorCode, message, { reason: reason ?? code, details: details ?? [] }));
    }
  }
}

/** A Date does not survive the pipe: `now` is the people's own clock over there. */
type JsonArguments<A extends readonly unknown[]> = A extends readonly [...infer Rest, (Date | undefined)?] ? Rest : A;
