import type { ReferenceEnvironment, VerifiedClaims } from '@strongroom/attestation-model';
import { AppraisalError } from './errors.js';

/** RFC 3339 in UTC to the second, the form instants have in statements. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const PCR_INDEX = /^(0|[1-9]|1[0-9]|2[0-3])$/;
const DIGITS = { sha256: 64, sha384: 96 } as const;

/**
 * The first environment that `claims` are in, or null. Compound: every PCR of the *one* environment holds, in its bank, for evidence of its
 * kind, before its end. PCRs the evidence covers beyond those are not looked at.
 * @throws AppraisalError `reference-environment-malformed`: one bad entry refuses the list, for nobody can say what it was meant to match.
 */
export function matchEnvironment(claims: VerifiedClaims, environments: readonly ReferenceEnvironment[], now: Date): ReferenceEnvironment | null {
  for (const environment of environments) requireWellFormed(environment);
  return environments.find((environment) => environment.kind === claims.kind && now < new Date(environment.expires_at) && holds(claims, environment)) ?? null;
}

function holds(claims: VerifiedClaims, environment: ReferenceEnvironment): boolean {
  const measured = claims.pcrs.find(({ bank }) => bank === environment.bank)?.values;
  if (measured === undefined) return false;
  return Object.entries(environment.pcrs).every(([index, digest]) => Object.hasOwn(measured, index) && measured[index] === digest);
}

function requireWellFormed(environment: ReferenceEnvironment): void {
  const { name, kind, bank, pcrs, expires_at: expiresAt } = (environment ?? {}) as Partial<ReferenceEnvironment>;
  const entries = Object.entries(pcrs ?? {});
  const named = typeof name === 'string' && name.length > 0 && (kind === 'tpm2' || kind === 'software') && (bank === 'sha256' || bank === 'sha384');
  if (!named || entries.length === 0) throw malformed(name);
  if (entries.some(([index, digest]) => !PCR_INDEX.test(index) || typeof digest !== 'string' || digest.length !== DIGITS[bank] || !/^[0-9a-f]+$/.test(digest))) throw malformed(name);
  if (typeof expiresAt !== 'string' || !INSTANT.test(expiresAt) || Number.isNaN(Date.parse(expiresAt))) throw malformed(name);
}

function malformed(name: unknown): AppraisalError {
  return new AppraisalError('reference-environment-malformed', `reference environment ${typeof name === 'string' ? name : '(unnamed)'} is malformed`);
}
