/** Each kind of refusal has one HTTP status. */
export const statusOfKind = {
  malformed: 400,
  unauthenticated: 401,
  denied: 403,
  absent: 404,
  conflict: 409,
  stale: 409,
  limited: 429,
  dependency: 503,
  defect: 500,
} as const;

export type ErrorKind = keyof typeof statusOfKind;

interface CodeEntry {
  readonly kind: ErrorKind;
  /** Public, fixed, short: the `title` of the problem. */
  readonly title: string;
  /** Only where HTTP has a truer status than the kind's. */
  readonly status?: number;
}

/**
 * Every code the server answers with. Codes are API: documented, stable, tested. A domain adds its lines here, so that one
 * code never means two things.
 */
export const errorCodes = {
  // What came in could not be read.
  'body-malformed': { kind: 'malformed', title: 'The body is not JSON' },
  'body-encoding': { kind: 'malformed', title: 'The body is not UTF-8' },
  'body-duplicate-name': { kind: 'malformed', title: 'A name stands twice in one JSON object' },
  'body-forbidden-name': { kind: 'malformed', title: 'A name in the body is not allowed' },
  'body-number': { kind: 'malformed', title: 'A number in the body cannot be kept exactly' },
  'body-too-deep': { kind: 'malformed', title: 'The body is nested too deep' },
  'body-too-large': { kind: 'malformed', title: 'The body is too large', status: 413 },
  'unsupported-media-type': { kind: 'malformed', title: 'The media type is not supported', status: 415 },
  'input-invalid': { kind: 'malformed', title: 'The input does not have the expected shape' },
  'url-malformed': { kind: 'malformed', title: 'The address is malformed' },
  'csr-malformed': { kind: 'malformed', title: 'The certificate request is malformed' },
  'csr-possession': { kind: 'malformed', title: 'The certificate request does not prove possession of its key' },
  'csr-key': { kind: 'malformed', title: 'The certificate request names a key of an unsupported kind' },
  'statement-refused': { kind: 'malformed', title: 'A signed statement does not hold' },
  // Who asks.
  'authentication-required': { kind: 'unauthenticated', title: 'Sign in first' },
  'authentication-failed': { kind: 'unauthenticated', title: 'The credential was not accepted' },
  // May they.
  'access-denied': { kind: 'denied', title: 'Access is denied' },
  // Is it there.
  'route-unknown': { kind: 'absent', title: 'Nothing is served here' },
  'not-found': { kind: 'absent', title: 'There is no such thing' },
  'document-missing': { kind: 'absent', title: 'No such document is in force' },
  // Does it still hold.
  conflict: { kind: 'conflict', title: 'The state does not allow this' },
  stale: { kind: 'stale', title: 'The state has moved on' },
  'transaction-contention': { kind: 'conflict', title: 'Too many changes at once; try again' },
  'rate-limited': { kind: 'limited', title: 'Too many requests' },
  // What we lean on.
  'database-unavailable': { kind: 'dependency', title: 'The database cannot be reached' },
  'database-outdated': { kind: 'dependency', title: 'The database cannot be brought up to date' },
  'log-not-current': { kind: 'dependency', title: 'The log has not published the entry yet' },
  'witness-unavailable': { kind: 'dependency', title: 'The log is not witnessed' },
  'policy-mismatch': { kind: 'dependency', title: 'The policy in force is not the bundle held here' },
  'nonce-refused': { kind: 'denied', title: 'The nonce is unknown, used, expired or for something else' },
  'evidence-malformed': { kind: 'malformed', title: 'The evidence does not verify' },
  'evidence-refused': { kind: 'denied', title: 'The evidence was not affirmed' },
  'manifest-refused': { kind: 'denied', title: 'The manifest does not fit this platform' },
  'approval-refused': { kind: 'denied', title: 'The approval does not count' },
  'release-refused': { kind: 'denied', title: 'The release is refused' },
  'releaser-refused': { kind: 'denied', title: 'The releaser refuses' },
  'budget-exceeded': { kind: 'denied', title: 'The byte budget has no room' },
  'releaser-unavailable': { kind: 'dependency', title: 'The releaser cannot be reached' },
  // Start-up. These stop the program; no client sees them.
  'config-invalid': { kind: 'defect', title: 'The configuration is not usable' },
  'route-undeclared': { kind: 'defect', title: 'A route declares no action' },
  'provider-missing': { kind: 'defect', title: 'A required part is missing' },
  'port-taken': { kind: 'defect', title: 'A port is taken' },
  'ca-unusable': { kind: 'defect', title: 'The certificate authority is not usable' },
  'genesis-mismatch': { kind: 'defect', title: 'The log does not begin with the pinned genesis' },
  'log-fork': { kind: 'defect', title: 'The log and its copies disagree' },
  // The audit log.
  'audit-event-invalid': { kind: 'defect', title: 'An audit event is not valid' },
  'audit-event-too-large': { kind: 'defect', title: 'An audit event is too large' },
  'audit-subject-erased': { kind: 'conflict', title: 'The personal data of this subject was erased' },
  'sequencer-fenced': { kind: 'defect', title: 'Another sequencer has taken over' },
  defect: { kind: 'defect', title: 'Something went wrong on our side' },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

/** Why something was refused and what to do about it; from policy or from a state machine. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** One fault in what came in. */
export interface Fault {
  /** JSON pointer into the input. */
  readonly path: string;
  readonly message: string;
}

export interface ErrorDetails {
  /** Internal: logged, never answered. */
  readonly cause?: unknown;
  readonly reasons?: readonly Reason[];
  readonly faults?: readonly Fault[];
}

/** A refusal or a fault. `message` is public text: never key bytes, tokens, evidence, or which half of a credential was wrong. */
export class StrongroomError extends Error {
  override readonly name = 'StrongroomError';
  readonly reasons: readonly Reason[];
  readonly faults: readonly Fault[];

  constructor(
    readonly code: ErrorCode,
    message?: string,
    details: ErrorDetails = {},
  ) {
    super(message ?? errorCodes[code].title, details.cause === undefined ? undefined : { cause: details.cause });
    this.reasons = details.reasons ?? [];
    this.faults = details.faults ?? [];
  }

  get kind(): ErrorKind {
    return errorCodes[this.code].kind;
  }

  get status(): number {
    const entry: CodeEntry = errorCodes[this.code];
    return entry.status ?? statusOfKind[entry.kind];
  }
}
