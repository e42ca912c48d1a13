import { createHash } from 'node:crypto';

/** `sha256:<lowercase hex>`: the one written form of a digest. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function digestOf(...parts: readonly (Uint8Array | string)[]): Digest {
  return `sha256:${Buffer.from(sha256(...parts)).toString('hex')}`;
}

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && DIGEST.test(value);
}

/** The 32 bytes behind a written digest. @throws RangeError */
export function digestBytes(digest: string): Uint8Array {
  if (!isDigest(digest)) throw new RangeError('not a sha256:<hex> digest');
  return new Uint8Array(Buffer.from(digest.slice(7), 'hex'));
}
