import { request as httpRequest, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** The parsed body where it is JSON, else undefined. */
  // Each test knows what it asked for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Uint8Array;
  readonly contentType?: string;
  /** Host header; default that of the people's surface. */
  readonly host?: string;
}

export interface Tls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** One request on a connection of its own, over TCP or mutual TLS. */
export function ask({ method, path, token, body, raw, contentType = 'application/json', host }: Ask, port: number, tls?: Tls): Promise<Answer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers: Record<string, string> = {
    ...(host === undefined ? {} : { host }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(payload === undefined ? {} : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(payload)) }),
  };
  const common: ClientRequestArgs = { method: method ?? (payload === undefined ? 'GET' : 'POST'), path, host: '127.0.0.1', port, headers };
  return new Promise((resolve, reject) => {
    const request = tls === undefined ? httpRequest({ ...common, agent: false }) : httpsRequest({ ...common, servername: 'localhost', ...tls, agent: new Agent({ keepAlive: false }) });
    request.on('error', reject);
    request.on('response', (response) => void read(response).then(resolve, reject));
    request.end(payload);
  });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const contentType = response.headers['content-type'] ?? '';
  return { status: response.statusCode ?? 0, contentType, text, json: /json/.test(contentType) && text !== '' ? (JSON.parse(text) as unknown) : undefined };
}
