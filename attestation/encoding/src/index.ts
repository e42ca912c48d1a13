export { EncodingError } from './errors.js';
export type { EncodingErrorCode } from './errors.js';
export { fromBase64url, toBase64url } from './base64url.js';
export { digestBytes, digestOf, isDigest, sha256 } from './digest.js';
export type { Digest } from './digest.js';
export { canonicalBytes, canonicalDigest, canonicalJson, parseCanonicalJson } from './json.js';
export { dssePae, ed25519KeyId, mergeDsse, parseDsse, signDsse, verifyDsse } from './dsse.js';
export type { DsseEnvelope, DsseVerification } from './dsse.js';
export { decodeCbor } from './cbor.js';
