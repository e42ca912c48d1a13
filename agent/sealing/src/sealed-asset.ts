import { canonicalDigest, type Digest } from '@strongroom/attestation-encoding';
import { keyCommitment } from '@strongroom/control-plane-contract';
import type { ShardSummary } from './shard-summary.js';
import type { Weights } from './weights.js';

/** A shard as a custody manifest states it. */
export interface SealedShardDescription {
  readonly index: number;
  readonly path: string;
  readonly plaintext_bytes: number;
  readonly plaintext_digest: Digest;
  readonly ciphertext_bytes: number;
  readonly ciphertext_digest: Digest;
  readonly key_commitment: Digest;
}

/** Where a tensor lies: `offset` and `length` in bytes of the shard's plaintext. */
export interface TensorDescription {
  readonly shard: number;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

export interface SealedAssetDescription {
  readonly shards: readonly SealedShardDescription[];
  /** The tensor map, kept beside the manifest. */
  readonly tensors: Readonly<Record<string, TensorDescription>>;
  /** What the manifest says of that map: digest of its RFC 8785 form, number of tensors. */
  readonly tensorMap: { readonly digest: Digest; readonly count: number };
}

/**
 * The part of a manifest that sealing knows. Says nothing about who may use the asset and is not signed.
 * @throws RangeError when shards, summaries and keys are not one to one
 */
export function describeSealedAsset(sealId: string, weights: Weights, summaries: readonly ShardSummary[], keys: readonly Uint8Array[]): SealedAssetDescription {
  const shards = weights.shards.map(({ index, path }): SealedShardDescription => {
    const summary = summaries[index];
    const key = keys[index];
    if (summary === undefined || key === undefined) throw new RangeError(`shard ${index} has no summary or no key`);
    return {
      index,
      path,
      plaintext_bytes: summary.plaintextBytes,
      plaintext_digest: summary.plaintextDigest,
      ciphertext_bytes: summary.ciphertextBytes,
      ciphertext_digest: summary.ciphertextDigest,
      key_commitment: keyCommitment(key, sealId, index),
    };
  });
  if (summaries.length !== shards.length || keys.length !== shards.length) throw new RangeError('more summaries or keys than shards');
  const tensors = tensorMapOf(weights);
  return { shards, tensors, tensorMap: { digest: canonicalDigest(tensors), count: weights.tensors.size } };
}

function tensorMapOf({ tensors }: Weights): Record<string, TensorDescription> {
  return Object.fromEntries([...tensors].map(([name, { shard, dtype, shape, offset, length }]) => [name, { shard, dtype, shape: [...shape], offset, length }]));
}
