import { httpApi, MANIFEST, shortDigest, type Manifest } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError, ServerProblem } from '../errors.js';
import { readJson } from '../files.js';
import { connect } from '../http/connect.js';
import { readMerged, signFile } from '../statements/sign-file.js';
import { fields, table } from '../terminal/table.js';
import { requireUuid } from './ids.js';
import type { CommonOptions } from './options.js';

type Asset = ReturnType<typeof httpApi.assetView.parse>;

export async function listAssets(cli: Cli, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const assets = await api.get('/v1/assets', httpApi.assetView.array());
  cli.print(options, assets, () => table(['ID', 'NAME', 'CLASS', 'OWNER', 'STATE', 'VERSION', 'BYTES', 'SHARDS'], assets.map((asset) => [asset.id, asset.name, asset.class, asset.owner, asset.state, `${asset.version}`, `${asset.bytes}`, `${asset.shards.length}`])));
}

export async function showAsset(cli: Cli, id: string, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const asset = await api.get(`/v1/assets/${requireUuid(id)}`, httpApi.assetDetail);
  const budget = await api.get(`/v1/assets/${id}/budget`, httpApi.budgetView).catch((error: unknown) => {
    // Who may see an asset may not always see its budget.
    if (error instanceof ServerProblem && error.problem.status === 403) return null;
    throw error;
  });
  const used = budget === null ? 'not for you to see' : `${budget.used_bytes} of ${budget.cap_bytes} bytes used in ${budget.window_seconds} s`;
  cli.print(options, { ...asset, budget }, () => `${assetText(asset)}\n${fields([['budget', used]])}\n\n${table(['SHARD', 'PATH', 'BYTES'], asset.shards.map((shard) => [`${shard.index}`, shard.path, `${shard.bytes}`]))}`);
}

export type RegisterAssetOptions = CommonOptions & { readonly manifest: string; readonly wrappedKeys: string; readonly signatures?: readonly string[] };

export async function registerAsset(cli: Cli, options: RegisterAssetOptions): Promise<void> {
  const manifest = await readMerged(MANIFEST, [options.manifest, ...(options.signatures ?? [])]);
  const wrapped = httpApi.wrappedKey.array().min(1).max(10_000).safeParse(await readJson(options.wrappedKeys));
  if (!wrapped.success) throw new CliError('file-malformed', 'the wrapped keys are not a list of {shard, wrapped}');
  const { api } = await connect(cli, options);
  const asset = await api.send('POST', '/v1/assets', { manifest, wrapped_keys: wrapped.data }, httpApi.assetDetail);
  cli.print(options, asset, () => assetText(asset));
}

export type SignManifestOptions = CommonOptions & { readonly manifest: string; readonly key: string; readonly out: string };

export async function signManifest(cli: Cli, options: SignManifestOptions): Promise<void> {
  const { digest, value, keyIds } = await signFile(MANIFEST, { input: options.manifest, key: options.key, out: options.out });
  const { asset, seal_id, shards, expires_at } = value as Manifest;
  const about = { out: options.out, asset: asset.id, name: asset.name, seal_id, shards: shards.length, expires_at, digest, short_digest: shortDigest(digest), signed_by: keyIds };
  cli.print(options, about, () => fields([['asset', asset.id], ['name', asset.name], ['seal', seal_id], ['shards', shards.length], ['expires', expires_at], ['digest', digest], ['short digest', shortDigest(digest)], ['signed by', keyIds.join(', ')], ['written to', options.out]]));
}

function assetText(asset: Asset): string {
  return fields([['id', asset.id], ['name', asset.name], ['class', asset.class], ['owner', asset.owner], ['state', asset.state], ['version', asset.version], ['bytes', asset.bytes], ['manifest', asset.manifest_digest], ['log entry', asset.log_index]]);
}
