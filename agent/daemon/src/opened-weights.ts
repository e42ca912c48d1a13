import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SealedShard, SealingError, serveWeights, shardAssociatedData, type SealedShardOptions, type WeightsServer } from '@strongroom/agent-sealing';
import type { Manifest, VerifiedRelease } from '@strongroom/control-plane-contract';
import { AgentError } from './errors.js';

export interface OpenWeightsOptions {
  readonly release: VerifiedRelease;
  /** By shard; owned by what this returns, which zeroes them. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
  readonly weightsFolder: string;
  /** One folder a release lives in here, and ends with it. */
  readonly runtimeFolder: string;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal;
}

/** Weights open to local consumers until `wipe`. */
export interface OpenedWeights {
  readonly socketPath: string;
  readonly bytes: number;
  /** Ends every reader, zeroes keys, removes the socket. Safe to call again. */
  wipe(): Promise<void>;
}

/**
 * Opens the released shards: reads each once to its end, so that every segment is authenticated and the plaintext has the digest
 * the manifest states, then serves them on a Unix socket. Plaintext is never written to a disk. On any failure the keys are zeroed.
 * @throws AgentError `shard-unreadable` | `plaintext-digest`
 */
export async function openWeights(options: OpenWeightsOptions): Promise<OpenedWeights> {
  const { release, keys, runtimeFolder } = options;
  const folder = join(runtimeFolder, release.statement.release_id.slice(-12));
  const zero = (): void => {
    for (const key of keys.values()) key.fill(0);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const bytes = await verifyPlaintext(options);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const server: WeightsServer = await serveWeights({ socketPath: join(folder, 'weights.sock'), shards: shardsOf(options) });
    return {
      socketPath: server.socketPath,
      bytes,
      async wipe() {
        await server.close();
        zero();
      },
    };
  } catch (error) {
    zero();
    if (error instanceof SealingError) throw new AgentError('shard-unreadable', 'a shard on this node is not the one that was sealed', { cause: error, reason: error.code });
    throw error;
  }
}

async function verifyPlaintext(options: OpenWeightsOptions): Promise<number> {
  const { release, onProgress, signal } = options;
  const manifest = release.manifest.value;
  const total = release.statement.bytes;
  let done = 0;
  for (const { path, ...shardOptions } of shardsOf(options)) {
    const expected = manifest.shards.find((shard) => shard.path === path);
    const shard = await SealedShard.open(shardOptions);
    try {
      const hash = createHash('sha256');
      for await (const piece of shard.stream(0, shard.plaintextBytes)) {
        if (signal.aborted) throw new AgentError('lease-over', 'the lease ended while the weights were being opened');
        hash.update(piece);
        done += piece.length;
        onProgress(done, total);
      }
      if (`sha256:${hash.digest('hex')}` !== expected?.plaintext_digest) throw new AgentError('plaintext-digest', `shard ${path} does not have the digest the manifest states`);
    } finally {
      await shard.close();
    }
  }
  return done;
}

function shardsOf({ release, keys, weightsFolder }: OpenWeightsOptions): (SealedShardOptions & { path: string })[] {
  const manifest = release.manifest.value;
  return [...keys].map(([index, key]) => {
    const shard = manifest.shards[index];
    if (shard === undefined) throw new AgentError('release-refused', 'a key for a shard the manifest does not have', { reason: 'release-shards' });
    return {
      path: shard.path,
      file: join(weightsFolder, manifest.asset.id, `${shard.path}.sealed`),
      key,
      associatedData: associatedDataOf(manifest, index, shard.path),
      ciphertextBytes: shard.ciphertext_bytes,
    };
  });
}

/** What a shard of this manifest was sealed under (protocol rule 2). */
export function associatedDataOf(manifest: Pick<Manifest, 'tenant' | 'asset' | 'seal_id' | 'key_epoch' | 'shards'>, shard: number, path: string): Uint8Array {
  return shardAssociatedData({ tenant: manifest.tenant, asset: manifest.asset.id, sealId: manifest.seal_id, keyEpoch: manifest.key_epoch, shard, shards: manifest.shards.length, path });
}
