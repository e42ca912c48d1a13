import { request as httpRequest } from 'node:http';
import { z } from 'zod';
import { DevelopmentError } from '../errors.js';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

const problem = z.looseObject({
  code: z.string().max(100),
  detail: z.string().max(2000).optional(),
  reasons: z.array(z.looseObject({ code: z.string(), message: z.string(), remedy: z.string().optional() })).max(100).optional(),
  faults: z.array(z.looseObject({ path: z.string(), message: z.string() })).max(100).optional(),
});

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string | undefined;
  /** `approval` is the host of its own that approval credentials live under. */
  readonly host?: 'people' | 'approval';
}

/** The control plane as people reach it: the production routes, on this machine, over the people's port. */
export class ApiClient {
  constructor(
    private readonly port: number,
    private readonly hosts: { readonly people: string; readonly approval: string },
  ) {}

  /** What sign-in assertions name as their audience. */
  get audience(): string {
    return `http://${this.hosts.people}:${this.port}`;
  }

  /** @throws DevelopmentError `request-refused` with the server's code as its reason | `server-unreachable` */
  async call<S extends z.ZodType>(call: ApiCall, answer: S): Promise<z.infer<S>> {
    const { status, bytes } = await this.send(call);
    const json = parse(bytes);
    if (status < 200 || status > 299) throw refusal(call, status, json);
    const parsed = answer.safeParse(json);
    if (!parsed.success) throw new DevelopmentError('request-refused', `${call.method} ${call.path} answered in an unknown shape: ${z.prettifyError(parsed.error)}`, { reason: 'answer-malformed' });
    return parsed.data;
  }

  /** A file as it is served, or undefined where there is none. */
  async file(path: string): Promise<Uint8Array | undefined> {
    const { status, bytes } = await this.send({ method: 'GET', path });
    if (status === 404) return undefined;
    if (status !== 200) throw refusal({ method: 'GET', path }, status, parse(bytes));
    return new Uint8Array(bytes);
  }

  private send({ method, path, body, token, host = 'people' }: ApiCall): Promise<{ status: number; bytes: Buffer }> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      // Names under .localhost are this machine by definition (RFC 6761), but not every resolver knows: the address is ours, the name goes along.
      host: `${this.hosts[host]}:${this.port}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => { reject(new DevelopmentError('server-unreachable', `the control plane does not answer on port ${this.port}: see the server's log`, { cause })); };
      const request = httpRequest({ host: '127.0.0.1', port: this.port, method, path, headers, agent: false, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) request.destroy(new Error('answer too large'));
          else chunks.push(chunk);
        });
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }); });
        response.on('error', fail);
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', fail);
      request.end(text);
    });
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function refusal({ method, path }: ApiCall, status: number, json: unknown): DevelopmentError {
  const parsed = problem.safeParse(json);
  if (!parsed.success) return new DevelopmentError('request-refused', `${method} ${path} was refused with status ${status}`, { reason: `status-${status}` });
  const { code, detail = '', reasons = [], faults = [] } = parsed.data;
  const details = [
    ...reasons.map((reason) => [reason.code, reason.message, reason.remedy ?? ''].filter((part) => part !== '').join(': ')),
    ...faults.map((fault) => `${fault.path}: ${fault.message}`),
  ];
  return new DevelopmentError('request-refused', `${method} ${path} was refused: ${detail === '' ? code : detail} (${code})`, { reason: reasons[0]?.code ?? code, details });
}
