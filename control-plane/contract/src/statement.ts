import { createPublicKey, type KeyObject } from 'node:crypto';
import { canonicalBytes, canonicalDigest, ed25519KeyId, EncodingError, fromBase64url, parseCanonicalJson, signDsse, verifyDsse, type Digest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { z } from 'zod';
import { ContractError } from './errors.js';
import { bytes, digest } from './scalars.js';

/** A signed statement in force: who signed is proven, what it says is of its schema, and it is digested once. */
export interface Signed<T> {
  readonly value: T;
  /** SHA-256 over the RFC 8785 payload. */
  readonly digest: Digest;
  readonly keyIds: readonly string[];
  readonly envelope: DsseEnvelope;
}

export interface StatementKind<S extends z.ZodType> {
  readonly payloadType: string;
  readonly schema: S;
  readonly maxBytes: number;
}

/** An Ed25519 key as statements carry it. */
export const signerKey = z.strictObject({ keyid: digest, public_key: bytes(44, 44) });
export type SignerKey = z.infer<typeof signerKey>;

/** Key map for DSSE; each key must be filed under its own id. @throws ContractError `statement-malformed` */
export function keyMap(keys: readonly SignerKey[]): ReadonlyMap<string, KeyObject> {
  const map = new Map<string, KeyObject>();
  for (const { keyid, public_key } of keys) {
    let key: KeyObject;
    try {
      key = createPublicKey({ key: Buffer.from(fromBase64url(public_key)), format: 'der', type: 'spki' });
      if (ed25519KeyId(key) !== keyid) throw new RangeError('key id');
    } catch (cause) {
      throw new ContractError('statement-malformed', 'a signer key is not an Ed25519 key filed under its own id', { cause });
    }
    map.set(keyid, key);
  }
  return map;
}

export function toSignerKey(publicKey: KeyObject): SignerKey {
  return {
    keyid: ed25519KeyId(publicKey),
    public_key: Buffer.from(publicKey.export({ format: 'der', type: 'spki' })).toString('base64url'),
  };
}

export function signStatement<S extends z.ZodType>(kind: StatementKind<S>, value: z.infer<S>, keys: readonly KeyObject[]): DsseEnvelope {
  return signDsse(kind.payloadType, canonicalBytes(parseStatementValue(kind, value)), keys);
}

/** Shape of a statement's value, without any proof. @throws ContractError `statement-malformed` */
export function parseStatementValue<S extends z.ZodType>(kind: StatementKind<S>, value: unknown): z.infer<S> {
  const parsed = kind.schema.safeParse(value);
  if (!parsed.success) {
    const fault = parsed.error.issues[0];
    throw new ContractError('statement-malformed', `${kind.payloadType}: ${fault?.path.join('/') ?? ''} ${fault?.message ?? 'is malformed'}`);
  }
  return parsed.data;
}

/**
 * Verifies a threshold-signed statement and its shape. Says nothing of expiry, tenant or version: see `assertCurrent`.
 * @throws ContractError `statement-malformed` | `statement-signature`
 */
export function verifyStatement<S extends z.ZodType>(
  kind: StatementKind<S>,
  envelope: unknown,
  trusted: readonly SignerKey[],
  threshold: number,
): Signed<z.infer<S>> {
  let verified;
  try {
    verified = verifyDsse(envelope, kind.payloadType, keyMap(trusted), threshold, kind.maxBytes);
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    const code = cause.code === 'dsse-threshold' ? 'statement-signature' : 'statement-malformed';
    throw new ContractError(code, `${kind.payloadType}: ${cause.message}`, { cause });
  }
  let json: unknown;
  try {
    json = parseCanonicalJson(verified.payload, kind.maxBytes);
  } catch (cause) {
    throw new ContractError('statement-malformed', `${kind.payloadType}: payload is not canonical JSON`, { cause });
  }
  const value = parseStatementValue(kind, json);
  return { value, digest: canonicalDigest(json), keyIds: verified.keyIds, envelope: envelope as DsseEnvelope };
}

/** What every long-lived statement carries. */
export interface Dated {
  readonly tenant: string;
  readonly issued_at: string;
  readonly expires_at: string;
}

/**
 * Issued already, not expired, of this tenant. A clock that runs at most `skewSeconds` behind the issuer's is tolerated.
 * @throws ContractError `statement-other-tenant` | `statement-not-yet-valid` | `statement-expired`
 */
export function assertCurrent(statement: Dated, tenant: string, now: Date, skewSeconds = 60): void {
  if (statement.tenant !== tenant) throw new ContractError('statement-other-tenant', 'statement of another tenant');
  const issued = Date.parse(statement.issued_at);
  const expires = Date.parse(statement.expires_at);
  if (!(issued <= now.getTime() + skewSeconds * 1000)) throw new ContractError('statement-not-yet-valid', 'statement is not valid yet');
  if (!(now.getTime() < expires)) throw new ContractError('statement-expired', 'statement has expired; have a new version signed');
}
