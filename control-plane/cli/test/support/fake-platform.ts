import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalDigest, toBase64url } from '@strongroom/attestation-encoding';
import { manifestBytes } from '@strongroom/control-plane-contract';
import { requestViewOf, type AuditedWorld } from './audited-world.js';
import { FakeServer, problem } from './fake-server.js';

export const TOKEN = toBase64url(new Uint8Array(32).fill(9));

/** A server that serves an audited world as the real one would: the log to anyone, the rest with the session. */
export async function fakePlatform(audited: AuditedWorld, log: ReadonlyMap<string, Uint8Array> = audited.log.files()): Promise<FakeServer> {
  const { world, documents } = audited;
  const signedIn = (authorization: string | undefined) => authorization === `Bearer ${TOKEN}`;
  const server = new FakeServer()
    .on('GET', /^\/log\/(.+)$/, (_asked, [, path = '']) => (log.get(path) === undefined ? undefined : { bytes: log.get(path) ?? new Uint8Array(), type: 'application/octet-stream' }))
    .on('GET', /^\/v1\/documents$/, () => ({ json: { anchors: world.anchors.envelope, genesis: world.genesis.envelope, roster: documents.roster, policy: documents.policy, enclaves: [documents.enclave] } }))
    .on('GET', /^\/v1\/requests\/([^/]+)$/, (_asked, [, id]) => (id === audited.request.id ? { json: requestViewOf(audited) } : undefined))
    .on('GET', /^\/v1\/assets\/([^/]+)$/, (_asked, [, id]) => (id === audited.request.asset ? { json: assetDetailOf(audited) } : undefined));
  server.on('GET', /^\/v1\/(?!documents)/, ({ authorization }) => (signedIn(authorization) ? undefined : problem(401, 'authentication-required', 'Sign in first')));
  return server.listen();
}

export function assetDetailOf({ world, documents }: AuditedWorld) {
  const { manifest } = world.documents;
  return {
    id: manifest.asset.id,
    name: manifest.asset.name,
    class: manifest.asset.class,
    owner: manifest.asset.owner,
    state: 'registered',
    version: manifest.version,
    manifest_digest: canonicalDigest(manifest),
    bytes: manifestBytes(manifest),
    shards: manifest.shards.map((shard) => ({ index: shard.index, path: shard.path, bytes: shard.plaintext_bytes })),
    log_index: '4',
    manifest: documents.manifest,
    manifest_entry: { entry: toBase64url(Buffer.from('{}')), proof: 'proof' },
  };
}

/** Leaves a session behind, as `login` would. */
export async function signIn(home: string, server: FakeServer, person: string, expiresAt = '2026-11-22T12:15:00Z'): Promise<void> {
  await mkdir(join(home, 'cli'), { recursive: true });
  await writeFile(join(home, 'cli', 'session.json'), JSON.stringify({ server: server.url, token: TOKEN, person, expires_at: expiresAt }), { mode: 0o600 });
}
