export type PostgresErrorCode =
  | 'platform-unsupported'
  | 'binaries-missing'
  | 'user-missing'
  | 'home-in-use'
  | 'home-other-user'
  | 'home-malformed'
  | 'data-missing'
  | 'socket-path'
  | 'initdb-failed'
  | 'start-failed'
  | 'start-timeout'
  | 'stop-failed'
  | 'role-unknown'
  | 'name-malformed'
  | 'test-server';

/** The embedded database cannot do what was asked. Callers switch on `code`; the message says what to do about it. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  constructor(
    readonly code: PostgresErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
