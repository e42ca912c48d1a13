import canonicalizeModule from 'canonicalize';
import { digestOf, type Digest } from './digest.js';
import { EncodingError } from './errors.js';

// The package is CommonJS with an ES-style declaration file; under Node the default import is the function itself.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

const MAX_DEPTH = 64;

function assertCanonicalizable(value: unknown, depth: number, path: string): void {
  if (depth > MAX_DEPTH) throw new EncodingError('json-not-canonicalizable', `${path}: nested deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      // A lone surrogate has no UTF-8 form; RFC 8785 section 3.2.2.2 demands an error.
      if (!value.isWellFormed()) throw new EncodingError('json-not-canonicalizable', `${path}: text with a lone surrogate`);
      return;
    case 'number':
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
        throw new EncodingError('json-not-canonicalizable', `${path}: number outside ±2^53; write it as a decimal string`);
      }
      return;
    case 'object': {
      if (value === null) return;
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) assertCanonicalizable(value[i], depth + 1, `${path}/${i}`);
        return;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) {
        throw new EncodingError('json-not-canonicalizable', `${path}: only plain objects have a canonical form`);
      }
      for (const [key, member] of Object.entries(value)) {
        if (!key.isWellFormed()) throw new EncodingError('json-not-canonicalizable', `${path}: name with a lone surrogate`);
        assertCanonicalizable(member, depth + 1, `${path}/${key}`);
      }
      return;
    }
    default:
      // undefined would vanish from the output, so two different values would share one digest.
      throw new EncodingError('json-not-canonicalizable', `${path}: ${typeof value} has no JSON form`);
  }
}

/**
 * RFC 8785 (JCS) form of a plain JSON value. Refuses what JSON cannot carry exactly: undefined members, integers beyond
 * ±2^53, non-finite numbers, lone surrogates, class instances, nesting deeper than 64.
 * @throws EncodingError `json-not-canonicalizable`
 */
export function canonicalJson(value: unknown): string {
  assertCanonicalizable(value, 0, '');
  const text = canonicalize(value);
  if (text === undefined) throw new EncodingError('json-not-canonicalizable', 'value has no JSON form');
  return text;
}

export function canonicalBytes(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(canonicalJson(value), 'utf8'));
}

/** SHA-256 over the RFC 8785 form. */
export function canonicalDigest(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}

/**
 * Parses JSON bytes that must already be in RFC 8785 form (so no duplicate names, no other spelling of the same value).
 * @throws EncodingError `json-malformed` | `json-too-large`
 */
export function parseCanonicalJson(bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) throw new EncodingError('json-too-large', `JSON of ${bytes.length} bytes; at most ${maxBytes}`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new EncodingError('json-malformed', 'not valid UTF-8 JSON', { cause });
  }
  if (canonicalJson(value) !== text) throw new EncodingError('json-malformed', 'JSON is not in RFC 8785 form');
  return value;
}
