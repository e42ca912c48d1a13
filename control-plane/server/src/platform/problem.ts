import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errorCodes, StrongroomError, type ErrorCode } from './errors.js';
import type { Logger } from './logger.js';

/** RFC 9457. `type` names the code; `instance` is the request's id, as the server's log has it. */
export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string(),
    reasons: z.array(z.strictObject({ code: z.string(), message: z.string(), remedy: z.string().optional() })).optional(),
    faults: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

export function toProblem(error: StrongroomError, requestId: string): Problem {
  const { reasons, faults, kind, code, status } = error;
  return {
    type: `urn:strongroom:problem:${code}`,
    title: errorCodes[code].title,
    status,
    code,
    // A defect's message is for us: the answer names only the request to look up.
    detail: kind === 'defect' ? errorCodes[code].title : error.message,
    instance: `urn:uuid:${requestId}`,
    ...(reasons.length > 0 ? { reasons: [...reasons] } : {}),
    ...(faults.length > 0 ? { faults: [...faults] } : {}),
  };
}

// What Fastify refuses before any of our code runs.
const fastifyCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body-malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body-malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body-malformed',
  FST_ERR_BAD_URL: 'url-malformed',
  FST_ERR_INVALID_URL: 'url-malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'url-malformed',
};

/** Gives whatever was thrown its code. What nobody meant to throw is a `defect`. */
export function toStrongroomError(thrown: unknown): StrongroomError {
  if (thrown instanceof StrongroomError) return thrown;
  const cause = thrown instanceof HttpException ? thrown.cause : undefined;
  if (cause instanceof StrongroomError) return cause;
  for (const error of [thrown, cause]) {
    const code = fastifyCodes[String((error as { code?: unknown } | undefined)?.code)];
    if (code) return new StrongroomError(code, undefined, { cause: error });
  }
  if (thrown instanceof HttpException && thrown.getStatus() === 404) return new StrongroomError('route-unknown');
  return new StrongroomError('defect', undefined, { cause: thrown });
}

export function sendProblem(error: StrongroomError, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  if (error.status >= 500) logger.error({ err: error, requestId: request.id }, 'request failed');
  if (reply.sent || reply.raw.headersSent) {
    // Half an answer is out: only cutting the connection tells the client so.
    reply.raw.destroy();
    return;
  }
  if (error.kind === 'unauthenticated') void reply.header('www-authenticate', 'Bearer');
  void reply
    .status(error.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(toProblem(error, request.id)));
}

/** The one place where errors become answers. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(toStrongroomError(thrown), http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.logger);
  }
}
