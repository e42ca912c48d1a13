import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalBytes, digestBytes, isDigest, type Digest } from '@strongroom/attestation-encoding';

/**
 * Binds a shard's manifest entry to the one key that opens it: HMAC-SHA256 under the key. AES-GCM alone does not commit
 * to its key, so without this a releaser could hand out another key under which the same bytes open to something else.
 */
export function keyCommitment(key: Uint8Array, sealId: string, shardIndex: number): Digest {
  const message = canonicalBytes({ seal_id: sealId, shard: shardIndex, type: 'strongroom/key-commitment/v1' });
  return `sha256:${createHmac('sha256', key).update(message).digest('hex')}`;
}

/** True only for the committed key; constant-time in the commitment. Anything that is not a digest is false. */
export function verifyKeyCommitment(key: Uint8Array, sealId: string, shardIndex: number, commitment: unknown): boolean {
  if (!isDigest(commitment)) return false;
  return timingSafeEqual(digestBytes(keyCommitment(key, sealId, shardIndex)), digestBytes(commitment));
}
