import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { fromBase64url, toBase64url } from './base64url.js';
import { digestOf } from './digest.js';
import { EncodingError } from './errors.js';

/** A DSSE envelope (secure-systems-lab/dsse v1.0.2), bytes as base64url without padding. */
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

export interface DsseVerification {
  readonly payload: Uint8Array;
  /** Ids of the distinct keys whose signatures held, in the order of the envelope. */
  readonly keyIds: readonly string[];
}

const MAX_SIGNATURES = 32;

/** Pre-authentication encoding: `DSSEv1 <len type> <type> <len body> <body>`. */
export function dssePae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8');
  return new Uint8Array(
    Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]),
  );
}

/** Key id of an Ed25519 key: `sha256:<hex>` of its DER SubjectPublicKeyInfo. */
export function ed25519KeyId(publicKey: KeyObject): string {
  if (publicKey.type !== 'public' || publicKey.asymmetricKeyType !== 'ed25519') throw new RangeError('not an Ed25519 public key');
  return digestOf(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })));
}

export function signDsse(payloadType: string, payload: Uint8Array, privateKeys: readonly KeyObject[]): DsseEnvelope {
  const pae = dssePae(payloadType, payload);
  return {
    payloadType,
    payload: toBase64url(payload),
    signatures: privateKeys.map((key) => ({
      keyid: ed25519KeyId(createPublicKey(key)),
      sig: toBase64url(new Uint8Array(sign(null, pae, key))),
    })),
  };
}

/** Adds the signatures of `other` to `envelope`, each key once. Both must carry the same payload. */
export function mergeDsse(envelope: DsseEnvelope, other: DsseEnvelope): DsseEnvelope {
  if (envelope.payload !== other.payload || envelope.payloadType !== other.payloadType) {
    throw new EncodingError('dsse-malformed', 'signatures over another payload cannot be merged');
  }
  const seen = new Set(envelope.signatures.map((s) => s.keyid));
  return { ...envelope, signatures: [...envelope.signatures, ...other.signatures.filter((s) => !seen.has(s.keyid))] };
}

/**
 * Verifies that at least `threshold` *distinct* keys of `trustedKeys` signed. Signatures by unknown keys are ignored; one by a
 * trusted key that does not hold rejects the envelope. Counting is by key, never by signature line.
 *
 * @param trustedKeys key id → Ed25519 public key. Empty means nothing can be verified, so: refused.
 * @param maxPayloadBytes bound on the decoded payload.
 * @throws EncodingError `dsse-malformed` | `dsse-payload-type` | `dsse-threshold`
 */
export function verifyDsse(
  envelope: unknown,
  payloadType: string,
  trustedKeys: ReadonlyMap<string, KeyObject>,
  threshold: number,
  maxPayloadBytes: number,
): DsseVerification {
  const parsed = parseDsse(envelope, maxPayloadBytes);
  if (parsed.envelope.payloadType !== payloadType) {
    throw new EncodingError('dsse-payload-type', `payload type is not ${payloadType}`);
  }
  if (!Number.isSafeInteger(threshold) || threshold < 1) throw new EncodingError('dsse-threshold', 'threshold must be at least 1');
  const pae = dssePae(payloadType, parsed.payload);
  const keyIds = new Set<string>();
  for (const { keyid, sig } of parsed.envelope.signatures) {
    const key = trustedKeys.get(keyid);
    if (key === undefined) continue;
    if (ed25519KeyId(key) !== keyid) throw new EncodingError('dsse-threshold', 'a trusted key is filed under another id');
    if (!verify(null, pae, key, fromBase64url(sig, 64))) {
      throw new EncodingError('dsse-threshold', 'a signature by a trusted key does not hold');
    }
    keyIds.add(keyid);
  }
  if (keyIds.size < threshold) {
    throw new EncodingError('dsse-threshold', `${keyIds.size} of ${threshold} trusted signatures`);
  }
  return { payload: parsed.payload, keyIds: [...keyIds] };
}

/** Shape only: nothing is proven. @throws EncodingError `dsse-malformed` */
export function parseDsse(value: unknown, maxPayloadBytes: number): { envelope: DsseEnvelope; payload: Uint8Array } {
  const fail = (message: string): never => {
    throw new EncodingError('dsse-malformed', message);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('envelope is not an object');
  const { payloadType, payload, signatures, ...rest } = value as Record<string, unknown>;
  if (Object.keys(rest).length > 0) fail('envelope has unknown members');
  if (typeof payloadType !== 'string' || payloadType.length === 0 || payloadType.length > 200) return fail('payloadType is not text');
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    return fail(`signatures must be 1 to ${MAX_SIGNATURES}`);
  }
  const lines = signatures.map((line: unknown) => {
    if (typeof line !== 'object' || line === null) return fail('signature is not an object');
    const { keyid, sig, ...others } = line as Record<string, unknown>;
    if (typeof keyid !== 'string' || typeof sig !== 'string' || Object.keys(others).length > 0) return fail('signature is malformed');
    return { keyid, sig };
  });
  return { envelope: { payloadType, payload: payload as string, signatures: lines }, payload: fromBase64url(payload, maxPayloadBytes) };
}
