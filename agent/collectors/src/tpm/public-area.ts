import { createHash, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { malformed, TpmReader } from './bytes.js';
import { TPM_ALG, TPM_ECC_CURVE } from './constants.js';

/** A TPMT_PUBLIC taken apart as far as we use it. */
export interface PublicArea {
  /** As received. */
  readonly bytes: Uint8Array;
  readonly nameAlgorithm: number;
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  readonly key: RsaKey | EccKey;
  /** Signing scheme's algorithm and hash; `TPM_ALG.NULL` and 0 where there is none. */
  readonly scheme: number;
  readonly schemeHash: number;
}

interface RsaKey {
  readonly type: 'rsa';
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

interface EccKey {
  readonly type: 'ecc';
  readonly curve: 'P-256' | 'P-384';
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/**
 * Reads a TPMT_PUBLIC of an RSA or P-256/P-384 key, to its last byte.
 * Says nothing about whether its attributes are good ones.
 *
 * @throws CollectorError `tpm-response-malformed`
 * @see TPM 2.0 Library, Part 2, TPMT_PUBLIC
 */
export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new TpmReader(bytes);
  const type = reader.u16();
  const nameAlgorithm = reader.u16();
  const attributes = reader.u32();
  const authPolicy = reader.sized(64);
  if (type !== TPM_ALG.RSA && type !== TPM_ALG.ECC) throw malformed(`a public key of algorithm 0x${type.toString(16)}`);
  if (reader.u16() !== TPM_ALG.NULL) reader.bytes(4); // symmetric: key bits and mode follow
  const scheme = reader.u16();
  const schemeHash = scheme === TPM_ALG.NULL ? 0 : reader.u16();
  const key = type === TPM_ALG.RSA ? readRsa(reader) : readEcc(reader);
  reader.end();
  return { bytes: bytes.slice(), nameAlgorithm, attributes, authPolicy, key, scheme, schemeHash };
}

function readRsa(reader: TpmReader): RsaKey {
  reader.u16(); // key bits: the modulus tells
  const exponent = reader.u32();
  return { type: 'rsa', exponent: exponent === 0 ? 65537 : exponent, modulus: reader.sized(512) };
}

function readEcc(reader: TpmReader): EccKey {
  const curve = curveName(reader.u16());
  if (reader.u16() !== TPM_ALG.NULL) reader.u16(); // KDF: its hash follows
  return { type: 'ecc', curve, x: reader.sized(66), y: reader.sized(66) };
}

function curveName(curve: number): EccKey['curve'] {
  if (curve === TPM_ECC_CURVE.P256) return 'P-256';
  if (curve === TPM_ECC_CURVE.P384) return 'P-384';
  throw malformed(`an elliptic curve 0x${curve.toString(16)}`);
}

/** TPM name: algorithm id ‖ digest of the TPMT_PUBLIC, lowercase hex. See Part 1, "Names". */
export function nameOf(area: PublicArea): string {
  const hash = area.nameAlgorithm === TPM_ALG.SHA256 ? 'sha256' : area.nameAlgorithm === TPM_ALG.SHA384 ? 'sha384' : undefined;
  if (hash === undefined) throw malformed('a name algorithm other than SHA-256 and SHA-384');
  return area.nameAlgorithm.toString(16).padStart(4, '0') + createHash(hash).update(area.bytes).digest('hex');
}

/** The same key for node:crypto. @throws CollectorError when the numbers are not a key (a point off its curve). */
export function publicKeyOf(area: PublicArea): KeyObject {
  try {
    return createPublicKey({ key: jwkOf(area.key), format: 'jwk' });
  } catch (cause) {
    throw malformed('its public key is no key', { cause });
  }
}

function jwkOf(key: RsaKey | EccKey): Record<string, string> {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  if (key.type === 'ecc') {
    const size = key.curve === 'P-256' ? 32 : 48;
    const pad = (bytes: Uint8Array): Uint8Array => Buffer.concat([Buffer.alloc(Math.max(0, size - bytes.length)), bytes]);
    return { kty: 'EC', crv: key.curve, x: text(pad(key.x)), y: text(pad(key.y)) };
  }
  const exponent = Buffer.alloc(4);
  exponent.writeUInt32BE(key.exponent);
  return { kty: 'RSA', n: text(key.modulus), e: text(exponent.subarray(exponent.findIndex((byte) => byte !== 0))) };
}
