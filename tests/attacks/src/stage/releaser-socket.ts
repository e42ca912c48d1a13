import { request as httpRequest } from 'node:http';
import type { ReleaserOperations } from '@strongroom/control-plane-contract';

/** A refusal by the releaser, with its code. */
export class Refusal extends Error {
  constructor(readonly code: string) {
    super(`the releaser refuses: ${code}`);
  }
}

/** Talks to the releaser as the server does: all an attacker with root on the server has. */
export class ReleaserSocket {
  constructor(private readonly socket: string) {}

  /** @throws Refusal */
  async call<K extends keyof ReleaserOperations>(operation: K, body: ReleaserOperations[K]['request']): Promise<ReleaserOperations[K]['answer']> {
    const { status, json } = await this.post(`/v1/${operation}`, JSON.stringify(body));
    if (status === 200) return json as ReleaserOperations[K]['answer'];
    throw new Refusal((json as { code: string }).code);
  }

  private post(path: string, body: string): Promise<{ status: number; json: unknown }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const request = httpRequest({ socketPath: this.socket, path, method: 'POST', agent: false, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown }); });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}
