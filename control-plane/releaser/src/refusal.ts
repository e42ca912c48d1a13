import { RELEASER_REFUSALS } from '@strongroom/control-plane-contract';

/** What a caller is told. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Errors of packages whose codes are public and whose messages carry no secret. */
const KNOWN = new Set(['ReleaserError', 'ContractError', 'Tpm2Error', 'SoftwareEvidenceError', 'AppraisalError', 'EncodingError', 'TlogError']);
const RELEASER: ReadonlySet<string> = new Set(RELEASER_REFUSALS);
const UNAVAILABLE: Refusal = { code: 'releaser-unavailable', message: 'the releaser could not decide; ask again' };

/** Turns whatever an operation threw into a stable code. What is not known to be public is told as unavailability, and refused. */
export function refusalOf(error: unknown): Refusal {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  if (typeof name !== 'string' || !KNOWN.has(name) || typeof code !== 'string' || typeof message !== 'string') return UNAVAILABLE;
  // Of our own errors only refusals are for callers; the rest say why the program does not work.
  if (name === 'ReleaserError' && !RELEASER.has(code)) return UNAVAILABLE;
  return { code, message: message.slice(0, 500) };
}

const STATUS: Readonly<Record<string, number>> = {
  'releaser-malformed': 400,
  'releaser-unknown-operation': 404,
  'release-unknown': 404,
  'release-conflict': 409,
  'nonce-used': 409,
  'log-rolled-back': 409,
  'statement-rolled-back': 409,
  'release-stale': 409,
  'nonce-limit': 429,
  'releaser-unavailable': 503,
};

/** Everything else is a denial. */
export function statusOf(code: string): number {
  return STATUS[code] ?? 403;
}
