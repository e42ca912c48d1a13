import { request as httpRequest } from 'node:http';
import type { ReleaserOperations } from '@strongroom/control-plane-contract';

export interface RawAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A refusal, as its code. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** Talks to a releaser as the server does. */
export class SocketClient {
  constructor(private readonly socket: string) {}

  /** @throws Refused */
  async call<K extends keyof ReleaserOperations>(operation: K, body: ReleaserOperations[K]['request']): Promise<ReleaserOperations[K]['answer']> {
    const answer = await this.post(`/v1/${operation}`, JSON.stringify(body));
    if (answer.status === 200) return answer.body as ReleaserOperations[K]['answer'];
    const { code, message } = answer.body as { code: string; message: string };
    throw new Refused(code, answer.status, message);
  }

  /** The code of the refusal, or 'answered'. */
  async codeOf<K extends keyof ReleaserOperations>(operation: K, body: ReleaserOperations[K]['request']): Promise<string> {
    try {
      await this.call(operation, body);
      return 'answered';
    } catch (error) {
      if (error instanceof Refused) return error.code;
      throw error;
    }
  }

  post(path: string, body: string, options: { readonly method?: string; readonly contentType?: string } = {}): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        { socketPath: this.socket, path, method: options.method ?? 'POST', agent: false, headers: { 'content-type': options.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown });
          });
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}
