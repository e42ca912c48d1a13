import { request as httpRequest } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { releaserApi, type ReleaserOperations } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { StrongroomError } from '../platform/errors.js';
import { keysConfig, type KeysConfig } from './keys.config.js';

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const refusal = z.looseObject({ code: z.string().regex(/^[a-z0-9-]{1,100}$/), message: z.string().max(1000) });

const answers: { readonly [K in keyof ReleaserOperations]: z.ZodType } = {
  challenge: releaserApi.challengeAnswer,
  'enrol-begin': releaserApi.enrolBeginAnswer,
  'enrol-complete': releaserApi.enrolCompleteAnswer,
  release: releaserApi.releaseResponse,
  renew: releaserApi.renewAnswer,
  revoke: releaserApi.revokeAnswer,
  status: releaserApi.statusAnswer,
};

/** Talks to the releaser over its Unix socket. Retries nothing: every operation but a nonce is idempotent, and its caller knows. */
@Injectable()
export class ReleaserClient {
  constructor(@Inject(keysConfig.token) private readonly config: KeysConfig) {}

  /**
   * @throws StrongroomError `releaser-refused` with the releaser's code as its reason, `releaser-unavailable` when it does not
   * answer, or not in the agreed shape
   */
  async call<K extends keyof ReleaserOperations>(operation: K, body: ReleaserOperations[K]['request']): Promise<ReleaserOperations[K]['answer']> {
    const { status, text } = await this.post(`/v1/${operation}`, JSON.stringify(body));
    const json = parse(text);
    if (status === 200) {
      const answer = answers[operation].safeParse(json);
      if (answer.success) return answer.data as ReleaserOperations[K]['answer'];
      throw new StrongroomError('releaser-unavailable', 'the releaser answered in an unknown shape', { cause: answer.error });
    }
    const refused = refusal.safeParse(json);
    if (!refused.success || status >= 500) throw new StrongroomError('releaser-unavailable', undefined, { cause: new Error(`status ${status}`) });
    throw new StrongroomError('releaser-refused', undefined, { reasons: [{ code: refused.data.code, message: refused.data.message }] });
  }

  private post(path: string, body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => { reject(new StrongroomError('releaser-unavailable', undefined, { cause })); };
      const request = httpRequest(
        { socketPath: this.config.releaserSocket, path, method: 'POST', agent: false, timeout: this.config.timeoutMs, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_ANSWER_BYTES) request.destroy(new Error('answer too large'));
            else chunks.push(chunk);
          });
          response.on('end', () => { resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }); });
          response.on('error', fail);
        },
      );
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', fail);
      request.end(body);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
