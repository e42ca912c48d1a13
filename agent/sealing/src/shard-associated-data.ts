import { canonicalBytes } from '@strongroom/attestation-encoding';
import { SealingError } from './errors.js';
import { isRelativePath } from './relative-path.js';

/** Where a shard belongs. Named before anything is sealed, so that a manifest's digests can be over the sealed bytes. */
export interface ShardIdentity {
  readonly tenant: string;
  readonly asset: string;
  /** Immutable and random for one sealing of one asset. */
  readonly sealId: string;
  readonly keyEpoch: number;
  /** Counted from 0, in path order. */
  readonly shard: number;
  readonly shards: number;
  /** Relative, `/` between its parts. */
  readonly path: string;
}

const MAX_TEXT = 128;
const MAX_BYTES = 1024; // what node:crypto accepts as HKDF `info`

/**
 * Associated data of a shard: RFC 8785 form of its identity. A ciphertext opens only under exactly these names, so shards
 * of two assets, tenants, epochs or positions cannot stand in for each other.
 * @throws SealingError `seal-associated-data-malformed`
 */
export function shardAssociatedData(identity: ShardIdentity): Uint8Array {
  const { tenant, asset, sealId, keyEpoch, shard, shards, path } = identity;
  for (const text of [tenant, asset, sealId]) {
    if (typeof text !== 'string' || text === '' || text.length > MAX_TEXT) throw malformed('tenant, asset and seal id are short, non-empty texts');
  }
  if (!isCount(keyEpoch)) throw malformed('key epoch is a non-negative integer');
  if (!isCount(shard) || !isCount(shards) || shard >= shards) throw malformed('shard index lies outside the shard count');
  if (!isRelativePath(path)) throw malformed('path is not relative or leaves its folder');
  const bytes = canonicalBytes({ asset, key_epoch: keyEpoch, path, seal_id: sealId, shard, shards, tenant, type: 'strongroom/shard/v1' });
  if (bytes.length > MAX_BYTES) throw malformed(`longer than ${MAX_BYTES} bytes`);
  return bytes;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed(why: string): SealingError {
  return new SealingError('seal-associated-data-malformed', why);
}
