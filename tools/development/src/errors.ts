export type DevelopmentErrorCode =
  | 'usage'
  | 'home-in-use'
  | 'home-unusable'
  | 'port-taken'
  | 'program-missing'
  | 'program-ended'
  | 'program-slow'
  | 'agent-failed'
  | 'request-refused'
  | 'server-unreachable'
  | 'statement-doubtful'
  | 'weights-unusable'
  | 'log-unproven'
  | 'step-failed';

/** What went wrong and, in the message, what to do about it. Never key bytes, tokens or passwords. */
export class DevelopmentError extends Error {
  override readonly name = 'DevelopmentError';
  /** The finer code: the server's, the agent's, or PostgreSQL's. */
  readonly reason: string | undefined;
  /** Further lines for whoever has to repair it: the end of a program's log. */
  readonly details: readonly string[];

  constructor(
    readonly code: DevelopmentErrorCode,
    message: string,
    options: ErrorOptions & { readonly reason?: string | undefined; readonly details?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason;
    this.details = options.details ?? [];
  }
}
