import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { coordinateSize, curveName, hashName, hashSize, isSigningHash, schemeName, secretSchemeName, TPM_ALG, type CurveName, type HashName, type SecretScheme, type SigningHash, type SigningScheme } from './algorithms.js';
import { Tpm2Error } from './errors.js';
import { TpmReader } from './reader.js';

/** TPMA_OBJECT (Part 2, section 8.3). */
export interface ObjectAttributes {
  readonly fixedTpm: boolean;
  readonly fixedParent: boolean;
  readonly sensitiveDataOrigin: boolean;
  readonly restricted: boolean;
  readonly decrypt: boolean;
  readonly sign: boolean;
}

/** TPMT_PUBLIC (Part 2, section 12.2.4) of an RSA or ECC key. Parsed, not verified. */
export interface PublicArea {
  /** The structure as it stood: what the name is over. */
  readonly raw: Uint8Array;
  readonly nameAlg: HashName;
  readonly attributes: ObjectAttributes;
  /** The symmetric cipher of a storage key, null for others. */
  readonly symmetric: { readonly keyBits: 128 | 256 } | null;
  /** The scheme the key is bound to, null when its user may choose. */
  readonly scheme: { readonly name: SigningScheme | SecretScheme; readonly hash: SigningHash } | null;
  readonly key:
    | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: number }
    | { readonly kind: 'ecc'; readonly curve: CurveName; readonly x: Uint8Array; readonly y: Uint8Array };
}

const MAX_PUBLIC_BYTES = 1024;
const MAX_RSA_BYTES = 512;
const DEFAULT_EXPONENT = 65537;

/**
 * Reads a TPMT_PUBLIC: RSA of 2048 to 4096 bits, ECC on P-256 or P-384. Shape only.
 * @throws Tpm2Error `tpm-public-malformed` | `tpm-public-unsupported`
 */
export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new TpmReader(bytes, MAX_PUBLIC_BYTES, 'tpm-public-malformed');
  const type = reader.uint16();
  const nameAlg = hashName(reader.uint16());
  if (nameAlg === undefined) throw unsupported('name algorithm');
  const attributes = readAttributes(reader.uint32());
  reader.sized(64); // authPolicy: it binds the owner's use of the key, and is covered by the name.
  const symmetric = readSymmetric(reader);
  const scheme = readScheme(reader);
  const key = type === TPM_ALG.rsa ? readRsa(reader) : type === TPM_ALG.ecc ? readEcc(reader) : undefined;
  if (key === undefined) throw unsupported('key type');
  reader.end();
  return { raw: bytes, nameAlg, attributes, symmetric, scheme, key };
}

/** Reads the TPM2B_PUBLIC wrapper that tools and TPM2_ReadPublic give. @throws Tpm2Error as `parsePublicArea` */
export function parseTpm2bPublic(bytes: Uint8Array): PublicArea {
  const reader = new TpmReader(bytes, MAX_PUBLIC_BYTES + 2, 'tpm-public-malformed');
  const area = reader.sized(MAX_PUBLIC_BYTES);
  reader.end();
  return parsePublicArea(area);
}

/** The TPM name of a key: algorithm id ‖ digest of its public area, lowercase hex (Part 1, section 16). */
export function tpmName(publicArea: PublicArea): string {
  const id = Buffer.from(publicArea.raw.subarray(2, 4)).toString('hex');
  return id + createHash(publicArea.nameAlg).update(publicArea.raw).digest('hex');
}

/** The key for node:crypto. @throws Tpm2Error `tpm-public-malformed` when the point is not on its curve or the modulus is odd in form. */
export function publicKeyOf({ key }: PublicArea): KeyObject {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  try {
    if (key.kind === 'ecc') return createPublicKey({ key: { kty: 'EC', crv: key.curve, x: text(key.x), y: text(key.y) }, format: 'jwk' });
    const exponent = Buffer.alloc(4);
    exponent.writeUInt32BE(key.exponent);
    return createPublicKey({ key: { kty: 'RSA', n: text(key.modulus), e: text(exponent.subarray(exponent.findIndex((octet) => octet !== 0))) }, format: 'jwk' });
  } catch (cause) {
    throw new Tpm2Error('tpm-public-malformed', 'not a usable public key', { cause });
  }
}

function readAttributes(bits: number): ObjectAttributes {
  const has = (bit: number): boolean => ((bits >>> bit) & 1) === 1;
  return { fixedTpm: has(1), fixedParent: has(4), sensitiveDataOrigin: has(5), restricted: has(16), decrypt: has(17), sign: has(18) };
}

/** TPMT_SYM_DEF_OBJECT: none, or AES-128/256 in CFB mode. */
function readSymmetric(reader: TpmReader): PublicArea['symmetric'] {
  const algorithm = reader.uint16();
  if (algorithm === TPM_ALG.null) return null;
  const keyBits = reader.uint16();
  const mode = reader.uint16();
  if (algorithm !== TPM_ALG.aes || mode !== TPM_ALG.cfb || (keyBits !== 128 && keyBits !== 256)) throw unsupported('symmetric cipher');
  return { keyBits };
}

function readScheme(reader: TpmReader): PublicArea['scheme'] {
  const id = reader.uint16();
  if (id === TPM_ALG.null) return null;
  const name = schemeName(id) ?? secretSchemeName(id);
  const hash = name === undefined ? undefined : hashName(reader.uint16());
  if (name === undefined || !isSigningHash(hash)) throw unsupported('scheme');
  return { name, hash };
}

function readRsa(reader: TpmReader): PublicArea['key'] {
  const bits = reader.uint16();
  const exponent = reader.uint32() || DEFAULT_EXPONENT;
  const modulus = reader.sized(MAX_RSA_BYTES);
  if (![2048, 3072, 4096].includes(bits)) throw unsupported('RSA size');
  if (modulus.length * 8 !== bits || ((modulus[0] ?? 0) & 0x80) === 0) throw reader.fail('modulus is not of the stated size');
  if (exponent !== DEFAULT_EXPONENT) throw unsupported('RSA exponent');
  return { kind: 'rsa', modulus, exponent };
}

function readEcc(reader: TpmReader): PublicArea['key'] {
  const curve = curveName(reader.uint16());
  if (curve === undefined) throw unsupported('curve');
  if (reader.uint16() !== TPM_ALG.null) throw unsupported('key derivation scheme');
  const size = coordinateSize(curve);
  return { kind: 'ecc', curve, x: paddedCoordinate(reader, size), y: paddedCoordinate(reader, size) };
}

/** Some TPMs drop leading zero bytes of a coordinate. */
function paddedCoordinate(reader: TpmReader, size: number): Uint8Array {
  const bytes = reader.sized(size);
  const padded = new Uint8Array(size);
  padded.set(bytes, size - bytes.length);
  return padded;
}

function unsupported(what: string): Tpm2Error {
  return new Tpm2Error('tpm-public-unsupported', `${what} is not one of those accepted`);
}

/** Digest size of the name algorithm, which also sizes seeds and integrity values. */
export function nameSize(publicArea: PublicArea): number {
  return hashSize(publicArea.nameAlg);
}
