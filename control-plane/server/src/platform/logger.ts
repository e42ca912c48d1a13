import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** What a log line says of an error: never query parameters, bodies or other members a library hangs on it. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    stack,
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

interface LoggedRequest {
  readonly id: unknown;
  readonly method: string;
  readonly url: string;
  readonly ip: string;
  readonly host?: string;
}

/** JSON lines. Headers, query strings and bodies are never written, so there is no credential to redact; redaction is the second fence. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { name: 'strongroom-server' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['authorization', 'cookie', 'token', 'password', 'secret', '*.authorization', '*.cookie', '*.token', '*.password', '*.secret', 'req.headers', 'res.headers', 'body'], censor: '[redacted]' },
    serializers: {
      err: describeError,
      error: describeError,
      req: ({ id, method, url, ip, host }: LoggedRequest) => ({ id, method, path: url.split('?', 1)[0], host, address: ip }),
      res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** NestJS's own messages, at their levels. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, text(message));
  }
  debug(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, text(message));
  }
  verbose(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, text(message));
  }
  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, text(message));
  }
  error(message: unknown): void {
    this.logger.error({ err: message instanceof Error ? message : undefined }, text(message));
  }
  fatal(message: unknown): void {
    this.logger.fatal({ err: message instanceof Error ? message : undefined }, text(message));
  }
}

function text(message: unknown): string {
  return message instanceof Error ? message.message : typeof message === 'string' ? message : 'message';
}
