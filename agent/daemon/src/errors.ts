export type AgentErrorCode =
  | 'config-invalid'
  | 'state-unusable'
  | 'process-not-hardened'
  | 'trust-mismatch'
  | 'not-enrolled'
  | 'enrolment-refused'
  | 'evidence-not-affirmed'
  | 'server-refused'
  | 'server-unreachable'
  | 'server-answer-malformed'
  | 'release-refused'
  | 'release-repeated'
  | 'log-inconsistent'
  | 'rolled-back'
  | 'key-commitment'
  | 'shard-unreadable'
  | 'plaintext-digest'
  | 'lease-over'
  | 'request-unknown';

/** Why the agent will not go on. `reason` is the code of the check that failed, where there is a finer one. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly reason: string | undefined;

  constructor(
    readonly code: AgentErrorCode,
    message: string,
    options: ErrorOptions & { readonly reason?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason;
  }
}
