import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { requestDigest, shortDigest, weightsDigests, type AccessRequest, type Approval, type ReleaseStatement } from '@strongroom/control-plane-contract';
import { accessRequest, approvalsOf, createWorld, signRelease, type SignedWorld } from '@strongroom/tests-fixtures';
import { SealedLog } from './sealed-log.js';

export const NOW = new Date('2026-11-22T12:00:00Z');

export interface AuditedWorld {
  readonly world: SignedWorld;
  readonly log: SealedLog;
  readonly request: AccessRequest;
  readonly approvals: readonly Approval[];
  readonly statement: ReleaseStatement;
  readonly documents: { readonly roster: DsseEnvelope; readonly policy: DsseEnvelope; readonly enclave: DsseEnvelope; readonly manifest: DsseEnvelope };
}

export interface AuditedWorldOptions {
  /** Entries of no consequence besides, so that the log has full tiles. */
  readonly padding?: number;
  /** What is left out of the log. */
  readonly without?: readonly ('manifest' | 'roster' | 'enclave')[];
  readonly change?: (statement: ReleaseStatement) => ReleaseStatement;
  /** Approval origins besides the world's own; the first is where clients send approvals. */
  readonly approvalOrigins?: readonly string[];
}

/** A genuine world, and a log in which one release took place. */
export async function auditedWorld({ padding = 0, without = [], change = (statement) => statement, approvalOrigins = [] }: AuditedWorldOptions = {}): Promise<AuditedWorld> {
  const world = await createWorld({ now: () => NOW, change: { anchors: (value) => ({ ...value, approval: { ...value.approval, origins: [...approvalOrigins, ...value.approval.origins] } }) } });
  const { manifest } = world.documents;
  const documents = { roster: world.signRoster(), policy: world.signPolicy(), enclave: world.signEnclave(), manifest: world.signManifest() };
  const log = new SealedLog(world.anchors.value.log.origin, world.keys.log);
  log.append({ code: 'genesis', chains: ['log'], statement: { type: 'strongroom/log/genesis/v1', genesis_digest: world.genesis.digest, envelope: world.genesis.envelope } });
  log.heartbeat();
  for (const kind of ['roster', 'policy', 'enclave'] as const) {
    if (without.includes(kind as 'roster')) continue;
    const value = world.documents[kind];
    log.append({ code: 'policy-change', chains: [kind], statement: { type: 'strongroom/log/document/v1', kind, digest: canonicalDigest(value), version: value.version, subject: 'acme' } });
  }
  const asset = `weights/${manifest.asset.id}`;
  let manifestIndex = 0;
  if (!without.includes('manifest')) {
    const statement = { type: 'strongroom/log/manifest/v1', tenant: manifest.tenant, asset: manifest.asset.id, version: manifest.version, seal_id: manifest.seal_id, manifest_digest: canonicalDigest(manifest) };
    manifestIndex = log.append({ code: 'asset-change', chains: [asset], statement });
  }
  for (let i = 0; i < padding; i += 1) log.append({ code: 'sign-in', chains: [`person/${i % 7}`], typeUid: 300201 });
  const request = accessRequest(world, { label: 'first' });
  log.append({ code: 'request-created', chains: [`request/${request.id}`, asset] });
  const approvals = approvalsOf(world, request);
  for (const _ of approvals) log.append({ code: 'approval', chains: [`request/${request.id}`, asset], typeUid: 600301 });
  log.heartbeat();
  const release = await signRelease(world, { nonce: Buffer.alloc(32, 7).toString('base64url'), request, facts: { manifestLogIndex: manifestIndex } });
  const statement = change(release.statement);
  log.append({ code: 'key-release', chains: [asset, `request/${request.id}`, `node/${request.node}`], statement, typeUid: 600510 });
  log.heartbeat();
  return { world, log, request, approvals, statement, documents };
}

export function requestViewOf({ world, request, approvals }: Pick<AuditedWorld, 'world' | 'request' | 'approvals'>) {
  const digest = requestDigest(request);
  return {
    request,
    digest,
    short_digest: shortDigest(digest),
    state: 'active',
    uses: 1,
    policy_digest: world.engine.policyDigest,
    weights_digest: weightsDigests(world.documents.manifest, request.shards),
    missing: [],
    approvals,
  };
}

/** The files of an export of this world, by path. */
export function exportFiles(audited: AuditedWorld, log: ReadonlyMap<string, Uint8Array> = audited.log.files()): Map<string, string | Uint8Array> {
  const { world, documents, request, statement } = audited;
  const name = (kind: string, value: unknown) => `documents/${kind}-${canonicalDigest(value).slice(7)}.json`;
  return new Map<string, string | Uint8Array>([
    ...[...log].map(([path, bytes]): [string, Uint8Array] => [`log/${path}`, bytes]),
    ['anchors.json', JSON.stringify(world.anchors.envelope)],
    ['genesis.json', JSON.stringify(world.genesis.envelope)],
    [`documents/roster-${statement.roster_digest.slice(7)}.json`, JSON.stringify(documents.roster)],
    [name('manifest', world.documents.manifest), JSON.stringify(documents.manifest)],
    [`requests/${request.id}.json`, JSON.stringify(requestViewOf(audited))],
  ]);
}
