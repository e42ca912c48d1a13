import { decode } from 'cbor2';
import { EncodingError } from './errors.js';

/**
 * Reads one CBOR item (RFC 8949) strictly: definite or indefinite lengths as written, no duplicate map keys, no trailing bytes.
 * Maps come back as `Map` when any key is not text.
 * @throws EncodingError `cbor-malformed` | `cbor-too-large`
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) throw new EncodingError('cbor-too-large', `CBOR of ${bytes.length} bytes; at most ${maxBytes}`);
  try {
    return decode(bytes, { rejectDuplicateKeys: true, preferMap: true, maxDepth: 16 });
  } catch (cause) {
    throw new EncodingError('cbor-malformed', 'not one well-formed CBOR item', { cause });
  }
}
