import type { KeyObject } from 'node:crypto';
import { fromBase64url, isDigest, toBase64url } from '@strongroom/attestation-encoding';
import type { AttestationResult, EarStatus } from '@strongroom/attestation-model';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { isTrustworthinessVector } from './appraisal-policy.js';
import { AppraisalError } from './errors.js';

/** The profile of draft-ietf-rats-ear-04. */
export const EAR_PROFILE = 'tag:ietf.org,2026:rats/ear#04';

export interface EarSigningOptions {
  /** ECDSA P-256. */
  readonly privateKey: KeyObject;
  readonly keyId: string;
  readonly issuer: string;
  readonly audience: string;
  /** 1 second to one hour. */
  readonly lifetimeSeconds: number;
  readonly now: Date;
  /** The 32 bytes the evidence answered. */
  readonly nonce: Uint8Array;
  /** Who made the verifier, and which build it is. */
  readonly developer: string;
  readonly build: string;
}

export interface EarVerificationOptions {
  /** Key id → ECDSA P-256 public key. Empty: refused. */
  readonly publicKeys: ReadonlyMap<string, KeyObject>;
  readonly issuer: string;
  readonly audience: string;
  readonly now: Date;
}

export interface VerifiedEar {
  readonly result: AttestationResult;
  readonly nonce: Uint8Array;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

const MAX_LIFETIME_SECONDS = 3600;
const MAX_TOKEN_CHARS = 16 * 1024;
const STATUSES: readonly EarStatus[] = ['none', 'affirming', 'warning', 'contraindicated'];

/**
 * Writes an attestation result as a JWT: one submodule named after the evidence's kind, ES256.
 * @throws AppraisalError `ear-options-malformed`
 * @see draft-ietf-rats-ear-04 section 3; RFC 9711
 */
export async function signEar(result: AttestationResult, options: EarSigningOptions): Promise<string> {
  requireSigningOptions(options);
  const issuedAt = Math.floor(options.now.getTime() / 1000);
  const claims = {
    eat_profile: EAR_PROFILE,
    eat_nonce: toBase64url(options.nonce),
    ear_verifier_id: { developer: options.developer, build: options.build },
    submods: {
      [result.kind]: {
        ear_status: result.status,
        ...(Object.keys(result.vector).length > 0 && { ear_trustworthiness_vector: result.vector }),
        ear_appraisal_policy_ids: [result.policyDigest],
        ear_verifier_claims: {
          ak_name: result.akName,
          appraised_at: result.appraisedAt,
          environment: result.environment,
          evidence_digest: result.evidenceDigest,
          reasons: result.reasons,
        },
      },
    },
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: options.keyId, typ: 'JWT' })
    .setIssuer(options.issuer)
    .setAudience(options.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + options.lifetimeSeconds)
    .sign(options.privateKey);
}

function requireSigningOptions(options: EarSigningOptions): void {
  const texts = [options.keyId, options.issuer, options.audience, options.developer, options.build];
  const { lifetimeSeconds, nonce, privateKey, now } = options;
  if (
    !texts.every(isText) ||
    !isP256(privateKey, 'private') ||
    !Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > MAX_LIFETIME_SECONDS ||
    !(nonce instanceof Uint8Array) || nonce.length !== 32 ||
    !(now instanceof Date) || Number.isNaN(now.getTime())
  ) {
    throw new AppraisalError('ear-options-malformed', 'a signing option is absent or malformed');
  }
}

/**
 * Verifies a result written by `signEar`: ES256 under a known key id, our profile, the issuer and exactly our audience, inside its dates at `now`.
 * Does not say that the result is affirming, nor whose nonce it answers: read both.
 *
 * @throws AppraisalError `ear-options-malformed` | `ear-malformed` | `ear-key-unknown` | `ear-signature` | `ear-expired` | `ear-audience` |
 *   `ear-issuer` | `ear-profile`
 */
export async function verifyEar(jwt: string, options: EarVerificationOptions): Promise<VerifiedEar> {
  const { publicKeys, issuer, audience, now } = options;
  if (!isText(issuer) || !isText(audience) || publicKeys.size === 0 || Number.isNaN(now.getTime())) {
    throw new AppraisalError('ear-options-malformed', 'a verification option is absent: nothing can be verified');
  }
  const payload = await verifyToken(jwt, options);
  if (payload['eat_profile'] !== EAR_PROFILE) throw new AppraisalError('ear-profile', 'result is of another profile');
  // A list of audiences is refused: a result for several relying parties can be replayed from one to another.
  if (payload.aud !== audience) throw new AppraisalError('ear-audience', 'result is for more than this audience');
  const { iat, exp } = payload;
  if (iat === undefined || exp === undefined || exp <= iat || exp - iat > MAX_LIFETIME_SECONDS || iat > now.getTime() / 1000) {
    throw new AppraisalError('ear-expired', 'result has no lifetime that can be accepted');
  }
  return { result: readResult(payload), nonce: readNonce(payload['eat_nonce']), issuedAt: new Date(iat * 1000), expiresAt: new Date(exp * 1000) };
}

async function verifyToken(jwt: string, { publicKeys, issuer, audience, now }: EarVerificationOptions): Promise<JWTPayload> {
  if (typeof jwt !== 'string' || jwt.length > MAX_TOKEN_CHARS) throw new AppraisalError('ear-malformed', 'token is absent or too long');
  const key = publicKeys.get(readKeyId(jwt));
  if (key === undefined || !isP256(key, 'public')) throw new AppraisalError('ear-key-unknown', 'token is signed by no known key');
  try {
    const { payload } = await jwtVerify(jwt, key, { algorithms: ['ES256'], issuer, audience, currentDate: now, requiredClaims: ['iss', 'aud', 'exp', 'iat'], clockTolerance: 0 });
    return payload;
  } catch (cause) {
    throw refusal(cause);
  }
}

function readKeyId(jwt: string): string {
  try {
    return decodeProtectedHeader(jwt).kid ?? '';
  } catch (cause) {
    throw new AppraisalError('ear-malformed', 'token has no readable header', { cause });
  }
}

function refusal(cause: unknown): AppraisalError {
  if (cause instanceof errors.JWTExpired) return new AppraisalError('ear-expired', 'result is past its end', { cause });
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === 'aud') return new AppraisalError('ear-audience', 'result is for another audience, or for none', { cause });
    if (cause.claim === 'iss') return new AppraisalError('ear-issuer', 'result is by another issuer, or by none', { cause });
    return new AppraisalError('ear-expired', 'result has no lifetime that can be accepted', { cause });
  }
  const forged = cause instanceof errors.JWSSignatureVerificationFailed || cause instanceof errors.JOSEAlgNotAllowed;
  return new AppraisalError(forged ? 'ear-signature' : 'ear-malformed', forged ? 'signature does not hold' : 'token is malformed', { cause });
}

function readNonce(nonce: unknown): Uint8Array {
  try {
    const bytes = fromBase64url(nonce, 32);
    if (bytes.length === 32) return bytes;
  } catch {
    // Falls through: absent, malformed and short are one refusal.
  }
  throw new AppraisalError('ear-malformed', 'nonce is not 32 bytes');
}

function readResult(payload: JWTPayload): AttestationResult {
  const malformed = (what: string): AppraisalError => new AppraisalError('ear-malformed', `${what} is absent or malformed`);
  const [entry, ...more] = Object.entries(record(payload['submods']));
  if (entry === undefined || more.length > 0) throw malformed('the one submodule');
  const [kind, submodule] = entry;
  const { ear_status: status, ear_trustworthiness_vector: vector = {}, ear_appraisal_policy_ids: policies, ear_verifier_claims: verifierClaims } = record(submodule);
  const { ak_name: akName, appraised_at: appraisedAt, environment, evidence_digest: evidenceDigest, reasons } = record(verifierClaims);
  if (kind !== 'tpm2' && kind !== 'software') throw malformed('kind');
  if (!STATUSES.includes(status as EarStatus)) throw malformed('status');
  if (!isTrustworthinessVector(vector)) throw malformed('trustworthiness vector');
  if (!Array.isArray(policies) || policies.length !== 1 || !isDigest(policies[0])) throw malformed('policy id');
  if (typeof akName !== 'string' || !isDigest(evidenceDigest) || !Number.isSafeInteger(appraisedAt)) throw malformed('evidence claim');
  if (environment !== null && !isText(environment)) throw malformed('environment');
  if (!Array.isArray(reasons) || !reasons.every(isText) || (status === 'affirming' && (reasons.length > 0 || environment === null))) throw malformed('reasons');
  return {
    status: status as EarStatus,
    kind,
    vector: vector,
    environment,
    akName,
    evidenceDigest,
    appraisedAt: appraisedAt as number,
    policyDigest: policies[0],
    reasons,
  };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AppraisalError('ear-malformed', 'an object is expected');
  return value as Record<string, unknown>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isP256(key: KeyObject | undefined, type: 'public' | 'private'): boolean {
  return key?.type === type && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}
