import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { releaserApi } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import type { ReleaserContext } from './context.js';
import { ReleaserError } from './errors.js';
import { giveChallenge } from './operations/challenge.js';
import { beginEnrolment, completeEnrolment } from './operations/enrolment.js';
import { releaseKeys } from './operations/release.js';
import { renewLease } from './operations/renewal.js';
import { revoke, status } from './operations/revocation.js';
import type { Log } from './process/log.js';
import { refusalOf, statusOf, type Refusal } from './refusal.js';

interface Operation {
  readonly maxBodyBytes: number;
  run(context: ReleaserContext, body: unknown): Promise<unknown>;
}

function operation<S extends z.ZodType>(schema: S, maxBodyBytes: number, run: (context: ReleaserContext, request: z.output<S>) => unknown): Operation {
  return {
    maxBodyBytes,
    run: async (context, body) => {
      const parsed = schema.safeParse(body);
      if (parsed.success) return run(context, parsed.data);
      const [fault] = parsed.error.issues;
      // A place and what is wrong there, never the value.
      throw new ReleaserError('releaser-malformed', `${fault?.path.join('.') ?? ''}: ${fault?.message ?? 'malformed'}`.slice(0, 300));
    },
  };
}

const KIB = 1024;
/** Operation to what it takes, at most, in bytes of JSON: each bound is that of its parts as the contract bounds them. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['challenge', operation(releaserApi.challengeRequest, KIB, giveChallenge)],
  ['enrol-begin', operation(releaserApi.enrolBeginRequest, 192 * KIB, beginEnrolment)],
  ['enrol-complete', operation(releaserApi.enrolCompleteRequest, KIB, completeEnrolment)],
  ['release', operation(releaserApi.releaseRequest, 24 * KIB * KIB, releaseKeys)],
  ['renew', operation(releaserApi.renewRequest, 2 * KIB * KIB, renewLease)],
  ['revoke', operation(releaserApi.revokeRequest, 8 * KIB, revoke)],
  ['status', operation(z.strictObject({}), KIB, (context) => status(context))],
]);

export interface ReleaserServer {
  /** Answers what is under way, takes nothing new, removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves the operations on a Unix socket that only this user can open.
 * @throws ReleaserError `start-refused` where another releaser answers there
 */
export async function serve(context: ReleaserContext, socketPath: string, log: Log): Promise<ReleaserServer> {
  await clearStaleSocket(socketPath);
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000, maxHeaderSize: 8 * KIB }, (request, response) => {
    void answer(context, request, response, log);
  });
  server.maxConnections = 64;
  await listen(server, socketPath);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function answer(context: ReleaserContext, request: IncomingMessage, response: ServerResponse, log: Log): Promise<void> {
  const name = request.url?.startsWith('/v1/') === true ? request.url.slice(4) : '';
  const started = performance.now();
  let refusal: Refusal | undefined;
  try {
    const found = OPERATIONS.get(name);
    if (found === undefined || request.method !== 'POST') throw new ReleaserError('releaser-unknown-operation', 'operations are POST /v1/<operation>');
    const body = await readJson(request, found.maxBodyBytes);
    send(response, 200, await found.run(context, body));
  } catch (error) {
    refusal = refusalOf(error);
    if (refusal.code === 'releaser-unavailable') log('error', 'operation failed', { operation: OPERATIONS.has(name) ? name : '', error: errorName(error) });
    // A body we did not read to its end leaves the connection in no state to go on.
    if (!request.complete) response.setHeader('connection', 'close');
    send(response, statusOf(refusal.code), refusal);
  } finally {
    log(refusal === undefined ? 'info' : 'notice', refusal === undefined ? 'answered' : 'refused', {
      operation: OPERATIONS.has(name) ? name : '',
      ...(refusal === undefined ? {} : { code: refusal.code }),
      ms: Math.round(performance.now() - started),
    });
  }
}

/** Class and SQLSTATE or system code: messages can carry values. */
function errorName(error: unknown): string {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return [name, code].filter((part) => typeof part === 'string').join(' ');
}

async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json(;|$)/.test(request.headers['content-type'] ?? '')) throw new ReleaserError('releaser-malformed', 'the body must be application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new ReleaserError('releaser-malformed', `the body has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new ReleaserError('releaser-malformed', 'the body is not JSON', { cause });
  }
}

function send(response: ServerResponse, statusCode: number, body: unknown): void {
  if (response.writableEnded || response.destroyed) return;
  response.writeHead(statusCode, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}

/** A socket nobody answers on is left from a program that was killed; one that somebody answers on is a second releaser. */
async function clearStaleSocket(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isAlive) throw new ReleaserError('start-refused', 'another program answers on the socket');
  await rm(path, { force: true });
}

async function listen(server: Server, path: string): Promise<void> {
  // The mode must be right from the first moment, so it is set by the umask; chmod says it again for odd file systems.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
}
