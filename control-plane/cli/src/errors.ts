/** Stable reasons why a command ended badly. Callers switch on these; the message is for people. */
export type CliErrorCode =
  | 'usage'
  | 'file-missing'
  | 'file-exists'
  | 'file-malformed'
  /** A file with a secret in it that others can read. */
  | 'file-too-open'
  | 'key-unsuitable'
  /** Nothing says whom to believe: pin the genesis digest first. */
  | 'trust-not-pinned'
  | 'not-signed-in'
  | 'not-confirmed'
  | 'server-unreachable'
  /** A session token would cross a network in the clear. */
  | 'server-insecure'
  | 'server-answer-malformed'
  /** What the server shows of a request contradicts what is signed, or itself. */
  | 'request-mismatch'
  /** The server answered with a problem; see `ServerProblem`. */
  | 'server-refused'
  | 'export-incomplete';

/** What the process ends with. Part of the command's interface. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

const exitOf: Readonly<Partial<Record<CliErrorCode, number>>> = {
  usage: EXIT.usage,
  'file-missing': EXIT.usage,
  'file-exists': EXIT.usage,
  'trust-not-pinned': EXIT.usage,
  'server-unreachable': EXIT.unreachable,
};

export interface CliErrorOptions extends ErrorOptions {
  /** What the person can do about it. */
  readonly remedy?: string;
}

/** A command that could not, or must not, go on. Its message carries nothing secret. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly remedy: string | undefined;

  constructor(
    readonly code: CliErrorCode,
    message: string,
    { remedy, ...options }: CliErrorOptions = {},
  ) {
    super(message, options);
    this.remedy = remedy;
  }

  get exitCode(): number {
    return exitOf[this.code] ?? EXIT.refused;
  }
}

/** A refusal in the server's words (RFC 9457). None of them is trusted to be printable. */
export class ServerProblem extends CliError {
  override readonly name = 'ServerProblem';

  constructor(readonly problem: Problem) {
    super('server-refused', problem.detail);
  }
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly instance: string;
  readonly reasons: readonly { readonly code: string; readonly message: string; readonly remedy?: string }[];
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}
