import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export type Answer = { readonly status?: number; readonly json?: unknown; readonly bytes?: Uint8Array; readonly type?: string };
type Route = (asked: Asked, match: RegExpExecArray) => Answer | undefined | Promise<Answer | undefined>;

/** A server in this process that answers over real HTTP; what it does not know it answers with a 404 problem. */
export class FakeServer {
  readonly asked: Asked[] = [];
  readonly #routes: { readonly method: string; readonly path: RegExp; readonly route: Route }[] = [];
  #server: Server | undefined;

  on(method: string, path: RegExp, route: Route): this {
    this.#routes.unshift({ method, path, route });
    return this;
  }

  async listen(): Promise<this> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString('utf8');
    const asked = { method: request.method ?? '', path: request.url ?? '', host: request.headers.host ?? '', authorization: request.headers.authorization, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    this.asked.push(asked);
    const { status = 200, json, bytes, type = 'application/json' } = (await this.#route(asked)) ?? problem(404, 'not-found', 'there is no such thing');
    response.writeHead(status, { 'content-type': type });
    response.end(bytes === undefined ? (json === undefined ? undefined : JSON.stringify(json)) : Buffer.from(bytes));
  }

  async #route(asked: Asked): Promise<Answer | undefined> {
    for (const { method, path, route } of this.#routes) {
      const match = method === asked.method ? path.exec(asked.path) : null;
      const answer = match === null ? undefined : await route(asked, match);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }
}

export function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return { status, type: 'application/problem+json', json: { type: `urn:strongroom:problem:${code}`, title: code, status, code, detail, instance: 'urn:uuid:0', ...more } };
}
