import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { CliError, ServerProblem } from '../errors.js';
import { shown } from '../terminal/text.js';
import { toProblem } from './problem.js';
import { isLoopback } from './server-url.js';

export interface ApiClientOptions {
  readonly server: URL;
  /** Session token; sent over TLS or within this machine, nowhere else. */
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Speaks to one server. Answers are bounded, redirects are not followed, and what comes back is unproven. */
export class ApiClient {
  readonly server: URL;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;

  /** @throws CliError `server-insecure` */
  constructor({ server, token, timeoutMs = TIMEOUT_MS }: ApiClientOptions) {
    if (token !== undefined && server.protocol !== 'https:' && !isLoopback(server.hostname)) {
      throw new CliError('server-insecure', `a session is not sent to ${shown(server.origin)} in the clear`, { remedy: 'give the https:// address of the server' });
    }
    this.server = server;
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws CliError `server-unreachable` | `server-answer-malformed`; ServerProblem when it refuses */
  async json(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#send(method, path, body);
    if (answer.status === 204) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body));
    } catch {
      throw malformed(path);
    }
  }

  /** As `json`, read by a schema of the contract. */
  async get<T>(path: string, schema: { safeParse(value: unknown): { success: boolean; data?: T } }): Promise<T> {
    return this.#shaped(path, await this.json('GET', path), schema);
  }

  async send<T>(method: string, path: string, body: unknown, schema: { safeParse(value: unknown): { success: boolean; data?: T } }): Promise<T> {
    return this.#shaped(path, await this.json(method, path, body), schema);
  }

  /** A file, or undefined where there is none. */
  async file(path: string): Promise<Uint8Array | undefined> {
    try {
      return (await this.#send('GET', path)).body;
    } catch (error) {
      if (error instanceof ServerProblem && error.problem.status === 404) return undefined;
      throw error;
    }
  }

  #shaped<T>(path: string, value: unknown, schema: { safeParse(value: unknown): { success: boolean; data?: T } }): T {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw malformed(path);
    return parsed.data as T;
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    let answer: Answer;
    try {
      answer = await exchange(new URL(path, this.server), this.#options(method, payload), payload);
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      const code = (cause as { code?: unknown }).code;
      throw new CliError('server-unreachable', `${shown(this.server.origin)} cannot be reached${typeof code === 'string' ? ` (${code})` : ''}`, { cause, remedy: 'is it running? give its address with --server' });
    }
    if (answer.status >= 400) throw new ServerProblem(toProblem(answer.status, answer.body));
    if (answer.status < 200 || answer.status >= 300) throw malformed(path);
    return answer;
  }

  #options(method: string, payload: Uint8Array | undefined): RequestOptions {
    const headers = {
      accept: 'application/json, application/problem+json, */*',
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
    };
    return { method, headers, signal: AbortSignal.timeout(this.#timeoutMs), ...(this.server.hostname.endsWith('.localhost') ? { lookup: loopback } : {}) };
  }
}

/** RFC 6761: names under `.localhost` are this machine, whether or not the system's resolver knows it. */
const loopback: LookupFunction = (_host, options, done) => {
  const both = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  if (options.all === true) done(null, both);
  else done(null, '127.0.0.1', 4);
};

function exchange(url: URL, options: RequestOptions, payload: Uint8Array | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      response.on('data', (chunk: Uint8Array) => {
        length += chunk.length;
        chunks.push(chunk);
        if (length > MAX_ANSWER_BYTES) request.destroy(malformed(url.pathname));
      });
      response.on('error', reject);
      response.on('aborted', () => { reject(new Error('the answer was cut off')); });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: new Uint8Array(Buffer.concat(chunks)) });
      });
    });
    request.on('error', reject);
    request.end(payload);
  });
}

function malformed(path: string): CliError {
  return new CliError('server-answer-malformed', `the server's answer to ${shown(path)} is not of the agreed shape`, { remedy: 'is this a Strongroom server of the same version?' });
}
