import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RandomBytes } from './segment-cipher.js';
import { describeSealedAsset, type SealedAssetDescription } from './sealed-asset.js';
import { shardAssociatedData, type ShardIdentity } from './shard-associated-data.js';
import { sealShards, type BatchEvent } from './shard-batch.js';
import { readWeights } from './weights.js';

export interface SealWeightsOptions extends Pick<ShardIdentity, 'tenant' | 'asset' | 'sealId' | 'keyEpoch'> {
  /** A safetensors file or folder; see `readWeights`. */
  readonly source: string;
  /** Sealed shards go here as `<path>.sealed`. */
  readonly folder: string;
  readonly concurrency: number;
  readonly random?: RandomBytes | undefined;
  readonly onProgress?: ((event: BatchEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SealedWeights extends SealedAssetDescription {
  readonly files: readonly string[];
  /** One fresh key a shard, in shard order. The caller wraps each alone, then zeroes it. */
  readonly keys: readonly Uint8Array[];
}

/**
 * Seals a model shard by shard under keys made here. On failure nothing is left in `folder` and the keys are zeroed.
 * @throws SealingError
 */
export async function sealWeights(options: SealWeightsOptions): Promise<SealedWeights> {
  const { tenant, asset, sealId, keyEpoch, random = randomBytes } = options;
  const weights = await readWeights(options.source);
  await mkdir(options.folder, { recursive: true });
  const keys = weights.shards.map(() => Uint8Array.from(random(32)));
  const files = weights.shards.map(({ path }) => join(options.folder, `${path}.sealed`));
  try {
    const shards = weights.shards.map(({ index, path, file }) => ({
      source: file,
      target: files[index] ?? '',
      key: keys[index] ?? new Uint8Array(),
      associatedData: shardAssociatedData({ tenant, asset, sealId, keyEpoch, path, shard: index, shards: weights.shards.length }),
    }));
    const { concurrency, onProgress, signal } = options;
    const summaries = await sealShards({ shards, concurrency, random, onProgress, signal });
    return { ...describeSealedAsset(sealId, weights, summaries, keys), files, keys };
  } catch (error) {
    for (const key of keys) key.fill(0);
    throw error;
  }
}
