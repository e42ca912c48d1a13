import { createHash, createHmac } from 'node:crypto';
import type { HashName } from './algorithms.js';

/**
 * KDFa: SP 800-108 in counter mode with HMAC (Part 1, section 11.4.10.2).
 * @param bits length of the result; when not a multiple of eight, the top bits of the first octet are cleared.
 */
export function kdfa(hash: HashName, key: Uint8Array, label: string, contextU: Uint8Array, contextV: Uint8Array, bits: number): Uint8Array {
  return derive(bits, (counter) => createHmac(hash, key).update(counter).update(`${label}\0`).update(contextU).update(contextV).update(uint32(bits)).digest());
}

/** KDFe: SP 800-56A concatenation KDF for ECDH secrets (Part 1, section 11.4.10.3). `bits` as for `kdfa`. */
export function kdfe(hash: HashName, z: Uint8Array, use: string, partyU: Uint8Array, partyV: Uint8Array, bits: number): Uint8Array {
  return derive(bits, (counter) => createHash(hash).update(counter).update(z).update(`${use}\0`).update(partyU).update(partyV).digest());
}

const MAX_BITS = 8192;

function derive(bits: number, block: (counter: Uint8Array) => Uint8Array): Uint8Array {
  if (!Number.isSafeInteger(bits) || bits < 1 || bits > MAX_BITS) throw new RangeError(`bits must be 1 to ${MAX_BITS}`);
  const output = new Uint8Array(Math.ceil(bits / 8));
  for (let counter = 1, filled = 0; filled < output.length; counter++) {
    const bytes = block(uint32(counter));
    output.set(bytes.subarray(0, output.length - filled), filled);
    filled += bytes.length;
    bytes.fill(0);
  }
  if (bits % 8 !== 0) output[0] = (output[0] ?? 0) & ((1 << bits % 8) - 1);
  return output;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
