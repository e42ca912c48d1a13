import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { canonicalBytes, canonicalDigest, decodeCbor, EncodingError, fromBase64url, sha256, toBase64url, type Digest } from '@strongroom/attestation-encoding';
import { z } from 'zod';
import { ContractError } from './errors.js';
import type { Roster, RosterCredential, RosterPerson } from './documents.js';
import { bytes, digest, factor, instant, purpose, slug, uuid } from './scalars.js';

/** What an approver signs. The WebAuthn challenge is the SHA-256 of its RFC 8785 form. */
export const approvalStatementSchema = z.strictObject({
  type: z.literal('strongroom/approval/v1'),
  v: z.literal(1),
  tenant: slug,
  request_id: uuid,
  request_digest: digest,
  decision: z.enum(['approve', 'deny']),
  factor,
  policy_digest: digest,
  /** Plaintext digests of the requested shards, sorted by path. */
  weights_digest: z.array(digest).min(1).max(10_000),
  purpose,
  enclave: slug,
  not_before: instant,
  not_after: instant,
  max_uses: z.number().int().min(1).max(1000),
  /** Chosen by the approver's client, so that no server can prepare a statement in advance. */
  nonce: bytes(32, 32),
  approver: uuid,
});
export type ApprovalStatement = z.infer<typeof approvalStatementSchema>;

/** A WebAuthn assertion as the authenticator gave it, kept for ever. */
export const assertionSchema = z.strictObject({
  credential_id: bytes(16, 1023),
  client_data_json: bytes(1, 4096),
  authenticator_data: bytes(37, 1024),
  signature: bytes(8, 600),
});
export type Assertion = z.infer<typeof assertionSchema>;

export const approvalSchema = z.strictObject({ statement: approvalStatementSchema, assertion: assertionSchema });
export type Approval = z.infer<typeof approvalSchema>;

export function approvalChallenge(statement: ApprovalStatement): Uint8Array {
  return sha256(canonicalBytes(approvalStatementSchema.parse(statement)));
}

declare const verified: unique symbol;

/** An approval whose signature, person and factor are proven. */
export interface VerifiedApproval {
  readonly [verified]: true;
  readonly statement: ApprovalStatement;
  readonly statementDigest: Digest;
  readonly approver: string;
  readonly credential: string;
  readonly aaguid: string;
  readonly userVerified: true;
  readonly backupEligible: false;
}

export interface ApprovalExpectations {
  readonly tenant: string;
  readonly roster: Roster;
  readonly rpId: string;
  readonly origins: readonly string[];
}

const FLAG = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;

/**
 * Verifies that a person of the roster signed exactly this statement with an approval credential, in person.
 * Does not say whether the statement fits a request, nor whether the authenticator model is allowed: see `assertApprovalFits`, policy.
 *
 * Steps follow WebAuthn Level 3 section 7.2 ("Verifying an Authentication Assertion"), with user verification required,
 * crossOrigin false required, backup-eligible keys refused, and no extensions.
 * The signature counter is not used: each statement carries a nonce, and an approval is bound to one request.
 * @throws ContractError `approval-*`
 */
export function verifyApproval(approval: unknown, expected: ApprovalExpectations): VerifiedApproval {
  const parsed = approvalSchema.safeParse(approval);
  if (!parsed.success) throw new ContractError('approval-malformed', 'approval is malformed', { cause: parsed.error });
  const { statement, assertion } = parsed.data;
  if (statement.tenant !== expected.tenant) throw new ContractError('approval-other-request', 'approval of another tenant');
  const { person, credential } = findCredential(expected.roster, assertion.credential_id);
  if (person.id !== statement.approver) throw new ContractError('approval-unknown-credential', 'the credential belongs to another person');
  if (!person.factors.includes(statement.factor)) throw new ContractError('approval-factor', 'the approver may not fill this factor');
  const clientData = fromBase64url(assertion.client_data_json);
  verifyClientData(clientData, approvalChallenge(statement), expected.origins);
  const authenticatorData = fromBase64url(assertion.authenticator_data);
  verifyAuthenticatorData(authenticatorData, expected.rpId);
  const signed = Buffer.concat([authenticatorData, sha256(clientData)]);
  if (!verifySignature(credential.public_key, signed, fromBase64url(assertion.signature))) {
    throw new ContractError('approval-signature', 'the assertion was not made by this credential');
  }
  return Object.freeze({
    statement,
    statementDigest: canonicalDigest(statement),
    approver: person.id,
    credential: credential.id,
    aaguid: credential.aaguid,
    userVerified: true,
    backupEligible: false,
  }) as VerifiedApproval;
}

function findCredential(roster: Roster, id: string): { person: RosterPerson; credential: RosterCredential } {
  for (const person of roster.people) {
    const credential = person.credentials.find((candidate) => candidate.id === id);
    if (credential !== undefined) return { person, credential };
  }
  throw new ContractError('approval-unknown-credential', 'no person of the roster has this credential');
}

function verifyClientData(clientData: Uint8Array, challenge: Uint8Array, origins: readonly string[]): void {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(clientData));
  } catch (cause) {
    throw new ContractError('approval-malformed', 'clientDataJSON is not JSON', { cause });
  }
  if (typeof json !== 'object' || json === null) throw new ContractError('approval-malformed', 'clientDataJSON is not an object');
  const data = json as Record<string, unknown>;
  if (data['type'] !== 'webauthn.get') throw new ContractError('approval-malformed', 'not an authentication ceremony');
  if (data['challenge'] !== toBase64url(challenge)) throw new ContractError('approval-challenge', 'the assertion signs another statement');
  if (origins.length === 0 || typeof data['origin'] !== 'string' || !origins.includes(data['origin'])) {
    throw new ContractError('approval-origin', 'the assertion was made for another origin');
  }
  if (data['crossOrigin'] !== false || 'topOrigin' in data) throw new ContractError('approval-cross-origin', 'the assertion was made inside another site');
}

function verifyAuthenticatorData(data: Uint8Array, rpId: string): void {
  const rpIdHash = sha256(rpId);
  if (rpId.length === 0 || !Buffer.from(data.subarray(0, 32)).equals(rpIdHash)) throw new ContractError('approval-rp-id', 'the assertion was made for another relying party');
  const flags = data[32] ?? 0;
  // Neither attested credential data nor extensions belong in an approval: with them the length would be free.
  if (data.length !== 37 || (flags & (FLAG.at | FLAG.ed)) !== 0) throw new ContractError('approval-malformed', 'authenticator data carries more than an approval has');
  if ((flags & FLAG.up) === 0) throw new ContractError('approval-user-presence', 'nobody was present');
  if ((flags & FLAG.uv) === 0) throw new ContractError('approval-user-verification', 'the authenticator did not verify its user');
  if ((flags & (FLAG.be | FLAG.bs)) !== 0) throw new ContractError('approval-backup-eligible', 'a key that can be copied may not approve');
}

function verifySignature(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  const { key, hash } = coseKey(fromBase64url(publicKey));
  try {
    return verify(hash, data, key, signature);
  } catch {
    return false;
  }
}

/**
 * Reads a COSE_Key (RFC 9053): ES256 on P-256, EdDSA on Ed25519. RS256 is left out: no authenticator on the allow-list needs it.
 * @throws ContractError `approval-malformed`
 */
export function coseKey(encoded: Uint8Array): { key: KeyObject; hash: 'sha256' | null } {
  let map: unknown;
  try {
    map = decodeCbor(encoded, 1024);
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new ContractError('approval-malformed', 'credential key is not CBOR', { cause });
  }
  if (!(map instanceof Map)) throw new ContractError('approval-malformed', 'credential key is not a COSE_Key');
  const [kty, alg, crv, x, y] = [1, 3, -1, -2, -3].map((label) => (map as Map<unknown, unknown>).get(label));
  let jwk: JsonWebKey | undefined;
  if (kty === 2 && alg === -7 && crv === 1 && isBytes(x, 32) && isBytes(y, 32)) {
    jwk = { kty: 'EC', crv: 'P-256', x: toBase64url(x), y: toBase64url(y) };
  } else if (kty === 1 && alg === -8 && crv === 6 && isBytes(x, 32) && y === undefined) {
    jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(x) };
  }
  if (jwk === undefined) throw new ContractError('approval-malformed', 'credential key is neither ES256 nor EdDSA');
  try {
    return { key: createPublicKey({ key: jwk, format: 'jwk' }), hash: alg === -7 ? 'sha256' : null };
  } catch (cause) {
    throw new ContractError('approval-malformed', 'credential key is not a point of its curve', { cause });
  }
}

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}
