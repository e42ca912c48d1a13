import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { SealingError } from './errors.js';
import { HEADER_BYTES, TAG_BYTES } from './segment-layout.js';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const PREFIX_BYTES = 7;
// Each update() allocates its output. Above this size glibc takes it from mmap, and page faults cost more than AES.
const UPDATE_BYTES = 65_536;

/** Random bytes a new header needs: 32 of salt, 7 of nonce prefix. */
export const HEADER_RANDOM_BYTES = SALT_BYTES + PREFIX_BYTES;

/** Source of unpredictable bytes; `crypto.randomBytes` in production. */
export type RandomBytes = (size: number) => Uint8Array;

/** Header of a new shard: its own length, salt, nonce prefix. @throws RangeError when `random` is short */
export function makeHeader(random: Uint8Array): Uint8Array {
  if (random.length !== HEADER_RANDOM_BYTES) throw new RangeError(`a header needs ${HEADER_RANDOM_BYTES} random bytes`);
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = HEADER_BYTES;
  header.set(random, 1);
  return header;
}

/**
 * Seals and opens single segments under the key that one header derives from a shard key
 * (HKDF-SHA256, salt from the header, the associated data as `info`).
 * Holds the derived key until `destroy`; the shard key itself is not kept.
 * @see Tink, AES-GCM-HKDF Streaming AEAD
 */
export class SegmentCipher {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(12);

  /** @throws SealingError `seal-key-malformed` | `seal-header-malformed` */
  constructor(key: Uint8Array, header: Uint8Array, associatedData: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new SealingError('seal-key-malformed', `a shard key has ${KEY_BYTES} bytes`);
    if (header.length !== HEADER_BYTES || header[0] !== HEADER_BYTES) {
      throw new SealingError('seal-header-malformed', 'not the header of an AES256-GCM-HKDF-1MB stream');
    }
    this.#nonce.set(header.subarray(1 + SALT_BYTES));
    this.#key = deriveKey(key, header.subarray(1, 1 + SALT_BYTES), associatedData);
  }

  /** Writes ciphertext and tag of `plaintext` to the start of `target`; returns their length. */
  seal(index: number, last: boolean, plaintext: Uint8Array, target: Uint8Array): number {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nonceFor(index, last));
    let written = 0;
    for (let at = 0; at < plaintext.length; at += UPDATE_BYTES) {
      const piece = cipher.update(plaintext.subarray(at, at + UPDATE_BYTES));
      target.set(piece, written);
      written += piece.length;
    }
    cipher.final();
    target.set(cipher.getAuthTag(), written);
    return written + TAG_BYTES;
  }

  /**
   * Writes the plaintext of `ciphertext` (tag at its end) to the start of `target` and returns its length. On failure
   * `target` holds zeros: unauthenticated plaintext is never left behind.
   * @throws SealingError `seal-segment-authentication` | `seal-truncated` | `seal-trailing`
   */
  open(index: number, last: boolean, ciphertext: Uint8Array, target: Uint8Array): number {
    if (this.#tryOpen(index, last, ciphertext, target)) return ciphertext.length - TAG_BYTES;
    // The same bytes under the opposite flag: a whole stream cut, or continued, exactly at a segment boundary.
    const flagWasWrong = this.#tryOpen(index, !last, ciphertext, target);
    target.fill(0, 0, ciphertext.length - TAG_BYTES);
    if (!flagWasWrong) throw new SealingError('seal-segment-authentication', `segment ${index} is not authentic`, { segment: index });
    if (last) throw new SealingError('seal-truncated', `segments after ${index} are missing`, { segment: index });
    throw new SealingError('seal-trailing', `bytes follow the last segment, ${index}`, { segment: index });
  }

  destroy(): void {
    this.#key.fill(0);
    this.#nonce.fill(0);
  }

  #tryOpen(index: number, last: boolean, ciphertext: Uint8Array, target: Uint8Array): boolean {
    const end = ciphertext.length - TAG_BYTES;
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nonceFor(index, last), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(ciphertext.subarray(end));
    let written = 0;
    for (let at = 0; at < end; at += UPDATE_BYTES) {
      const piece = decipher.update(ciphertext.subarray(at, Math.min(end, at + UPDATE_BYTES)));
      target.set(piece, written);
      written += piece.length;
      piece.fill(0);
    }
    try {
      decipher.final();
      return true;
    } catch {
      target.fill(0, 0, end);
      return false;
    }
  }

  #nonceFor(index: number, last: boolean): Uint8Array {
    new DataView(this.#nonce.buffer).setUint32(PREFIX_BYTES, index, false);
    this.#nonce[11] = last ? 1 : 0;
    return this.#nonce;
  }
}

function deriveKey(key: Uint8Array, salt: Uint8Array, associatedData: Uint8Array): Uint8Array {
  // node:crypto caps `info` at 1024 bytes; associated data is bounded well below that where it is made.
  if (associatedData.length > 1024) throw new SealingError('seal-associated-data-malformed', 'associated data is longer than 1024 bytes');
  return new Uint8Array(hkdfSync('sha256', key, salt, associatedData, KEY_BYTES));
}
