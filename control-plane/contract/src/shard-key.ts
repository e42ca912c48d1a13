import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalBytes, digestBytes, isDigest, type Digest } from '@strongroom/attestation-encoding';
import { sealTo, type SealedMessage } from './hpke.js';
import type { Manifest } from './documents.js';

/** Names a shard key to the key service: its encryption context (protocol rules 2 and 3). Never the manifest digest. */
export interface ShardKeyContext {
  readonly tenant: string;
  readonly asset: string;
  readonly seal_id: string;
  readonly key_epoch: number;
  readonly shard: number;
}

export function shardKeyContext(manifest: Manifest, shard: number): ShardKeyContext {
  return { tenant: manifest.tenant, asset: manifest.asset.id, seal_id: manifest.seal_id, key_epoch: manifest.key_epoch, shard };
}

/** HPKE info under which a shard key is wrapped to the key service's public key. */
export function wrapInfo(context: ShardKeyContext, kek: { readonly enclave: string; readonly kek: string }): unknown {
  return { type: 'strongroom/shard-key-wrap/v1', ...context, enclave: kek.enclave, kek: kek.kek };
}

/** Wraps a shard key encrypt-only: whoever wraps can never unwrap. @param key 32 bytes, left as they are. */
export async function wrapShardKey(kekPublicKey: string, key: Uint8Array, context: ShardKeyContext, kek: { enclave: string; kek: string }): Promise<SealedMessage> {
  if (key.length !== 32) throw new RangeError('a shard key is 32 bytes');
  return sealTo(kekPublicKey, key, wrapInfo(context, kek), new Uint8Array(0));
}

/**
 * Binds a shard's manifest entry to the one key that opens it: HMAC-SHA256 under the key over what the key is for. AES-GCM does
 * not commit to its key, so without this another key could be handed out under which the same bytes open to something else.
 */
export function keyCommitment(key: Uint8Array, sealId: string, shard: number): Digest {
  if (key.length !== 32) throw new RangeError('a shard key is 32 bytes');
  const mac = createHmac('sha256', key).update(canonicalBytes({ seal_id: sealId, shard, type: 'strongroom/key-commitment/v1' })).digest('hex');
  return `sha256:${mac}`;
}

/** Does `key` open the commitment of this shard? Constant-time in the commitment; anything that is not a digest is not opened. */
export function opensCommitment(key: Uint8Array, sealId: string, shard: number, commitment: unknown): boolean {
  if (key.length !== 32 || !isDigest(commitment)) return false;
  return timingSafeEqual(digestBytes(keyCommitment(key, sealId, shard)), digestBytes(commitment));
}
