import { constants, verify } from 'node:crypto';
import { coordinateSize, hashName, isSigningHash, schemeName, type SigningHash, type SigningScheme } from './algorithms.js';
import { publicKeyOf, type PublicArea } from './public-area.js';
import { TpmReader } from './reader.js';

/** TPMT_SIGNATURE (Part 2, section 11.3.4). `value` is one integer for RSA, r and s for ECDSA. */
export type TpmSignature =
  | { readonly scheme: 'rsassa' | 'rsapss'; readonly hash: SigningHash; readonly value: Uint8Array }
  | { readonly scheme: 'ecdsa'; readonly hash: SigningHash; readonly r: Uint8Array; readonly s: Uint8Array };

const MAX_SIGNATURE_BYTES = 1024;
const MAX_RSA_BYTES = 512;
const MAX_COORDINATE_BYTES = 48;

/** Reads a TPMT_SIGNATURE: RSASSA, RSAPSS or ECDSA, over SHA-256 or SHA-384. @throws Tpm2Error `tpm-signature-malformed` */
export function parseSignature(bytes: Uint8Array): TpmSignature {
  const reader = new TpmReader(bytes, MAX_SIGNATURE_BYTES, 'tpm-signature-malformed');
  const scheme = schemeName(reader.uint16());
  const hash = hashName(reader.uint16());
  if (scheme === undefined || !isSigningHash(hash)) throw reader.fail('scheme or hash is not one of those accepted');
  const signature: TpmSignature = scheme === 'ecdsa'
    ? { scheme, hash, r: reader.sized(MAX_COORDINATE_BYTES), s: reader.sized(MAX_COORDINATE_BYTES) }
    : { scheme, hash, value: reader.sized(MAX_RSA_BYTES) };
  reader.end();
  return signature;
}

/**
 * Whether `signature` over `message` was made by the key of `publicArea`, under the scheme and hash the key itself is bound to.
 * A key that leaves the scheme open verifies nothing: its holder could sign under a weaker one than we think.
 */
export function verifySignature(publicArea: PublicArea, message: Uint8Array, signature: TpmSignature): boolean {
  const { scheme, key } = publicArea;
  if (scheme?.name !== signature.scheme || scheme.hash !== signature.hash) return false;
  const publicKey = publicKeyOf(publicArea);
  if (signature.scheme === 'ecdsa') {
    if (key.kind !== 'ecc') return false;
    const size = coordinateSize(key.curve);
    if (signature.r.length > size || signature.s.length > size) return false;
    const joined = new Uint8Array(size * 2);
    joined.set(signature.r, size - signature.r.length);
    joined.set(signature.s, size * 2 - signature.s.length);
    return verify(signature.hash, message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, joined);
  }
  if (key.kind !== 'rsa') return false;
  return verify(signature.hash, message, { key: publicKey, ...rsaPadding(signature.scheme) }, signature.value);
}

/** TPMs disagree on the PSS salt (digest size, or all there is room for), so its length is read from the signature. */
function rsaPadding(scheme: Exclude<SigningScheme, 'ecdsa'>): { padding: number; saltLength?: number } {
  return scheme === 'rsassa' ? { padding: constants.RSA_PKCS1_PADDING } : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
}
