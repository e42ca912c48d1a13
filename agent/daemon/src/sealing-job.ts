import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sealWeights } from '@strongroom/agent-sealing';
import { canonicalJson, toBase64url } from '@strongroom/attestation-encoding';
import { MANIFEST, parseStatementValue, shardKeyContext, toInstant, wrapShardKey, type Anchors, type Manifest, type SealedMessage } from '@strongroom/control-plane-contract';
import { AgentError } from './errors.js';
import type { Report } from './events.js';
import { StateFolder } from './state-folder.js';

export interface SealingJob {
  /** A safetensors file, or a folder with shards and their index. */
  readonly source: string;
  readonly weightsFolder: string;
  readonly anchors: Anchors;
  readonly asset: { readonly id: string; readonly name: string; readonly class: string; readonly owner: string };
  readonly enclave: string;
  readonly environments: readonly string[];
  readonly validDays: number;
  readonly concurrency: number;
  readonly now: Date;
  readonly report: Report;
}

export interface SealedAsset {
  /** The draft that two roles sign after checking it. */
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly wrappedKeysFile: string;
}

/**
 * Seals weights under fresh keys, one a shard, and wraps each key encrypt-only to the enclave's key service: from here on this
 * machine can open nothing without a release. Writes the sealed shards, the manifest draft, the tensor map and the wrapped keys
 * to `<weightsFolder>/<asset id>/`. On failure the folder is removed.
 * @throws AgentError `trust-mismatch` when the anchors name no key service for the enclave; SealingError for unreadable weights
 */
export async function sealAsset(job: SealingJob): Promise<SealedAsset> {
  const kek = job.anchors.key_service.find(({ enclave }) => enclave === job.enclave);
  if (kek === undefined) throw new AgentError('trust-mismatch', `the anchors name no key service for enclave ${job.enclave}`);
  const folder = join(job.weightsFolder, job.asset.id);
  const sealId = toBase64url(new Uint8Array(randomBytes(16)));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const sealed = await sealWeights({
      source: job.source,
      folder,
      tenant: job.anchors.tenant,
      asset: job.asset.id,
      sealId,
      keyEpoch: 1,
      concurrency: job.concurrency,
      onProgress: (event) => {
        if (event.kind === 'progress') job.report({ event: 'sealing', done: event.doneBytes, total: event.totalBytes });
      },
    });
    const manifest = draft(job, sealId, sealed);
    const wrapped = await wrapKeys(manifest, sealed.keys, kek);
    const files = new StateFolder(folder);
    files.write('tensors.json', canonicalJson(sealed.tensors));
    files.write('wrapped-keys.json', JSON.stringify(wrapped));
    files.write('manifest.json', canonicalJson(manifest));
    const result = { manifest, manifestFile: join(folder, 'manifest.json'), wrappedKeysFile: join(folder, 'wrapped-keys.json') };
    const bytes = manifest.shards.reduce((sum, shard) => sum + shard.plaintext_bytes, 0);
    job.report({ event: 'sealed', asset: job.asset.id, manifest: result.manifestFile, wrappedKeys: result.wrappedKeysFile, shards: manifest.shards.length, bytes });
    return result;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function draft(job: SealingJob, sealId: string, sealed: Pick<Awaited<ReturnType<typeof sealWeights>>, 'shards' | 'tensorMap'>): Manifest {
  return parseStatementValue(MANIFEST, {
    type: 'strongroom/manifest/v1',
    tenant: job.anchors.tenant,
    version: 1,
    issued_at: toInstant(job.now),
    expires_at: toInstant(new Date(job.now.getTime() + job.validDays * 86_400_000)),
    asset: job.asset,
    seal_id: sealId,
    key_epoch: 1,
    container: 'AES256-GCM-HKDF-1MB',
    key_service: { enclave: job.enclave, kek: job.anchors.key_service.find(({ enclave }) => enclave === job.enclave)?.kek },
    shards: sealed.shards,
    tensors: sealed.tensorMap,
    lineage: [],
    enclaves: [job.enclave],
    environments: job.environments,
    quorum: { read_shard: { owner: 1, security: 1 } },
    lease: { max_seconds: 60 },
  });
}

async function wrapKeys(manifest: Manifest, keys: readonly Uint8Array[], kek: Anchors['key_service'][number]): Promise<{ shard: number; wrapped: SealedMessage }[]> {
  try {
    return await Promise.all(keys.map(async (key, shard) => ({ shard, wrapped: await wrapShardKey(kek.public_key, key, shardKeyContext(manifest, shard), kek) })));
  } finally {
    for (const key of keys) key.fill(0);
  }
}
