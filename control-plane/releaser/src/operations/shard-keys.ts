import { opensCommitment, releaseInfo, sealTo, shardKeyContext, type ReleasedKey, type ReleaserOperations, type VerifiedRelease } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { ReleaserError } from '../errors.js';

type Request = ReleaserOperations['release']['request'];

/**
 * Unwraps each shard's key, holds it against the manifest's commitment, and seals it to the transport key under the context of this
 * release and shard (protocol rule 6). One key is in the clear at a time, and zeroed whatever happens.
 * @throws ReleaserError `release-wrapped-keys` where a wrapped key is not this shard's; `releaser-unavailable` where the key service fails
 */
export async function sealShardKeys(context: ReleaserContext, material: VerifiedRelease, request: Request): Promise<ReleasedKey[]> {
  const wrapped = new Map(request.wrapped_keys.map((entry) => [entry.shard, entry.wrapped]));
  const keys: ReleasedKey[] = [];
  for (const shard of material.statement.shards) {
    const key = await unwrap(context, material, shard, wrapped.get(shard));
    try {
      keys.push({ shard, sealed: await sealTo(request.transport_key, key, releaseInfo(material.statement, shard), material.entry.leafHash) });
    } finally {
      key.fill(0);
    }
  }
  return keys;
}

async function unwrap({ keys }: ReleaserContext, { manifest: { value: manifest } }: VerifiedRelease, shard: number, wrapped: Request['wrapped_keys'][number]['wrapped'] | undefined): Promise<Uint8Array> {
  const commitment = manifest.shards[shard]?.key_commitment;
  if (wrapped === undefined || commitment === undefined) throw new ReleaserError('release-wrapped-keys', 'a wrapped key is missing');
  let key: Uint8Array;
  try {
    key = await keys.unwrap(wrapped, shardKeyContext(manifest, shard), manifest.key_service);
  } catch (cause) {
    if (cause instanceof ReleaserError) throw new ReleaserError('release-wrapped-keys', `the key of shard ${shard} could not be unwrapped`, { cause });
    throw new ReleaserError('releaser-unavailable', 'the key service did not answer; ask again', { cause });
  }
  if (opensCommitment(key, manifest.seal_id, shard, commitment)) return key;
  key.fill(0);
  throw new ReleaserError('release-wrapped-keys', `the key of shard ${shard} is not the one the manifest commits to`);
}
