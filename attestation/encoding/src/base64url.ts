import { EncodingError } from './errors.js';

const ALPHABET = /^[A-Za-z0-9_-]*$/;

/** Bytes as base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Reads base64url without padding. Strict: no padding, no white space, no stray bits, so one value has one spelling.
 * @throws EncodingError `base64url-malformed`
 */
export function fromBase64url(text: unknown, maxBytes = 1 << 20): Uint8Array {
  if (typeof text !== 'string' || !ALPHABET.test(text) || text.length > Math.ceil((maxBytes * 4) / 3)) {
    throw new EncodingError('base64url-malformed', 'not base64url without padding, or too long');
  }
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new EncodingError('base64url-malformed', 'base64url with stray bits');
  return new Uint8Array(bytes);
}
