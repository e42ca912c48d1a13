import { request as httpsRequest } from 'node:https';
import type { z } from 'zod';
import { AgentError } from './errors.js';
import type { ClientCertificate } from './mtls-identity.js';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface ControlPlaneOptions {
  readonly server: string;
  /** PEM the server's certificate must chain to; the system's roots do not count. */
  readonly authority: string;
  readonly timeoutMs: number;
}

/** The control plane as a node sees it: JSON over mutual TLS 1.3. Nothing it answers is believed for being answered. */
export class ControlPlaneClient {
  constructor(private readonly options: ControlPlaneOptions) {}

  /** @throws AgentError `server-refused` (its reason is the server's code) | `server-unreachable` | `server-answer-malformed` */
  async call<S extends z.ZodType>(method: 'GET' | 'POST', path: string, answer: S, body: unknown, client?: ClientCertificate): Promise<z.infer<S>> {
    const { status, bytes } = await this.send(method, path, body, client);
    const json = parse(bytes);
    if (status < 200 || status > 299) throw refusal(status, json);
    const parsed = answer.safeParse(json);
    if (!parsed.success) throw new AgentError('server-answer-malformed', `${path} answered in an unknown shape`, { cause: parsed.error });
    return parsed.data;
  }

  /** A file of the log, or undefined where there is none. */
  async fetchLogFile(path: string): Promise<Uint8Array | undefined> {
    const { status, bytes } = await this.send('GET', `/log/${path}`, undefined, undefined);
    return status === 200 ? new Uint8Array(bytes) : undefined;
  }

  private send(method: string, path: string, body: unknown, client: ClientCertificate | undefined): Promise<{ status: number; bytes: Buffer }> {
    const { server, authority, timeoutMs } = this.options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => { reject(new AgentError('server-unreachable', 'the control plane cannot be reached', { cause })); };
      const request = httpsRequest(
        new URL(path, server),
        {
          method,
          agent: false,
          timeout: timeoutMs,
          ca: authority,
          minVersion: 'TLSv1.3',
          ...(client === undefined ? {} : { key: client.key, cert: client.certificate }),
          headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_ANSWER_BYTES) request.destroy(new Error('answer too large'));
            else chunks.push(chunk);
          });
          response.on('end', () => { resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }); });
          response.on('error', fail);
        },
      );
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

function refusal(status: number, json: unknown): AgentError {
  const { code, reasons } = (json ?? {}) as { code?: unknown; reasons?: unknown };
  const finer = Array.isArray(reasons) ? (reasons[0] as { code?: unknown } | undefined)?.code : undefined;
  const name = typeof code === 'string' ? code : `status-${status}`;
  if (status >= 500) return new AgentError('server-unreachable', `the control plane cannot serve this now (${name})`, { reason: name });
  return new AgentError('server-refused', `the control plane refuses: ${name}${typeof finer === 'string' ? ` (${finer})` : ''}`, { reason: typeof finer === 'string' ? finer : name });
}
