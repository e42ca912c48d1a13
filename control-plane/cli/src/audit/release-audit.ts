import { canonicalJson } from '@strongroom/attestation-encoding';
import { matchQuorum, type ReleaseStatement } from '@strongroom/control-plane-contract';
import type { Findings } from './finding.js';
import type { LoggedEvent } from './logged-event.js';

export interface LoggedRelease {
  readonly index: bigint;
  readonly statement: ReleaseStatement;
}

/** Holds every release in the log against the entries before it. */
export class ReleaseAudit {
  readonly releases: LoggedRelease[] = [];
  /** Entries of each manifest: registering it again logs it again. */
  readonly #manifests = new Map<string, bigint[]>();
  readonly #documents = new Set<string>();
  readonly #releaseIds = new Set<string>();

  constructor(
    private readonly findings: Findings,
    private readonly tenant: string,
  ) {}

  get manifests(): number {
    return this.#manifests.size;
  }

  accept({ index, code, statement }: LoggedEvent): void {
    if (code === 'key-release' && statement?.type !== 'strongroom/log/release/v1') {
      this.findings.add('release-malformed', 'a release entry without a release statement', index);
    }
    if (statement?.type === 'strongroom/log/document/v1') this.#documents.add(`${statement.kind} ${statement.digest}`);
    if (statement?.type === 'strongroom/log/manifest/v1') {
      const name = `${statement.asset} ${statement.manifest_digest}`;
      this.#manifests.set(name, [...(this.#manifests.get(name) ?? []), index]);
    }
    if (statement?.type === 'strongroom/log/release/v1') this.#release(index, statement);
  }

  #release(index: bigint, statement: ReleaseStatement): void {
    const { findings } = this;
    const manifestIndexes = this.#manifests.get(`${statement.asset} ${statement.manifest_digest}`);
    if (this.#releaseIds.has(statement.release_id)) findings.add('release-repeated', `release ${statement.release_id} is logged twice`, index);
    if (statement.tenant !== this.tenant) findings.add('release-malformed', 'a release of another tenant', index);
    if (manifestIndexes === undefined) findings.add('release-manifest-not-logged', 'the manifest of this release stands in no earlier entry', index);
    for (const [kind, digest] of [['roster', statement.roster_digest], ['enclave', statement.enclave_digest]] as const) {
      if (!this.#documents.has(`${kind} ${digest}`)) findings.add('release-document-not-logged', `the ${kind} of this release stands in no earlier entry`, index);
    }
    const members = contradictions(statement, manifestIndexes);
    if (members.length > 0) findings.add('release-input-mismatch', `the policy input differs from the release in ${members.join(', ')}`, index);
    const fault = quorumFault(statement);
    if (fault !== undefined) findings.add('release-quorum', fault, index);
    this.#releaseIds.add(statement.release_id);
    this.releases.push({ index, statement });
  }
}

/** Members of the logged policy input that do not say what the release says. */
function contradictions(statement: ReleaseStatement, manifestIndexes: readonly bigint[] | undefined): string[] {
  const { input } = statement;
  const logIndex = memberAt(input, 'asset/manifest/log_index');
  const misplaced = manifestIndexes !== undefined && !manifestIndexes.some((index) => Number(index) === logIndex);
  const expected: Readonly<Record<string, unknown>> = {
    tenant: statement.tenant,
    action: statement.action,
    'policy/digest': statement.policy_digest,
    'request/id': statement.request_id,
    'request/digest': statement.request_digest,
    'request/shards': statement.shards,
    'request/node': statement.node,
    'request/manifest_digest': statement.manifest_digest,
    'asset/id': statement.asset,
    'asset/manifest/digest': statement.manifest_digest,
    'attestation/evidence_digest': statement.evidence_digest,
    'attestation/transport_key_digest': statement.transport_key_digest,
    'attestation/ak_name': statement.ak_name,
    'attestation/status': 'affirming',
    'budget/requested_bytes': statement.bytes,
    'lease/seconds': statement.lease.seconds,
    'lease/renew_seconds': statement.lease.renew_seconds,
  };
  const different = Object.entries(expected).flatMap(([path, value]) => (sameJson(memberAt(input, path), value) ? [] : [path]));
  return misplaced ? [...different, 'asset/manifest/log_index'] : different;
}

/** The quorum the manifest asks for, over the approvals named; policy may have asked for more. */
function quorumFault({ input, approvals }: ReleaseStatement): string | undefined {
  const requester = memberAt(input, 'request/requested_by');
  const factors = memberAt(input, 'asset/manifest/factors');
  if (typeof requester !== 'string' || typeof factors !== 'object' || factors === null) return 'the policy input names no requester or no factors';
  if (approvals.some(({ approver }) => approver === requester)) return 'the requester is among the approvers';
  if (new Set(approvals.map(({ approver }) => approver)).size < 2) return 'fewer than two people approved';
  const counts: unknown[] = Object.values(factors);
  // Unbounded counts would have us build as many slots.
  if (counts.some((count) => typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > 16)) return 'the manifest\'s factors are malformed';
  const quorum = matchQuorum(factors, approvals, new Set([requester]));
  return quorum.complete ? undefined : `approvals are missing: ${quorum.missing.map(({ factor, count }) => `${count} ${factor}`).join(', ') || 'the manifest asks for nobody'}`;
}

function memberAt(value: unknown, path: string): unknown {
  return path.split('/').reduce<unknown>((at, name) => (typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined), value);
}

function sameJson(a: unknown, b: unknown): boolean {
  return a !== undefined && canonicalJson(a) === canonicalJson(b);
}
