import { request } from 'node:http';

export interface WeightsAnswer {
  readonly status: number | undefined;
  readonly contentRange: string | undefined;
  readonly body: Buffer;
}

/** Reads from the socket a node serves opened weights on, as a consumer on that machine would. */
export function readWeights(socketPath: string, path: string, range?: string): Promise<WeightsAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, headers: range === undefined ? {} : { range }, agent: false, timeout: 30_000 }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('end', () => { resolve({ status: response.statusCode, contentRange: response.headers['content-range'], body: Buffer.concat(pieces) }); });
      response.once('error', reject);
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', reject);
    sent.end();
  });
}
