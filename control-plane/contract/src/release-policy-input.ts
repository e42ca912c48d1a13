import type { EnclaveDocument, Manifest, NodeRegistration, PolicyEnvelope, Roster } from './documents.js';
import type { AccessRequest } from './access-request.js';
import type { VerifiedApproval } from './approval.js';
import { matchQuorum, strictestFactors, type RequiredFactors } from './quorum.js';
import { epochSeconds } from './scalars.js';
import type { Signed } from './statement.js';

/** The facts of a release that no signed statement carries: each party that judges supplies or re-checks its own. */
export interface ReleaseFacts {
  readonly now: number;
  readonly requestState: 'approved' | 'active';
  readonly uses: number;
  readonly nodeState: 'enrolled' | 'suspended' | 'retired';
  readonly attestation: {
    readonly status: string;
    readonly kind: 'tpm2' | 'software';
    readonly hardware: boolean;
    readonly environment: string;
    readonly evidence_digest: string;
    readonly transport_key_digest: string;
    readonly ak_name: string;
    readonly purpose: string;
    readonly appraised_at: number;
    readonly policy_digest: string;
  };
  readonly manifestLogIndex: number;
  readonly usedBytes: number;
  readonly reservedBytes: number;
}

/** Everything signed that a release rests on, already verified. */
export interface VerifiedReleaseMaterial {
  readonly policy: Signed<PolicyEnvelope>;
  readonly roster: Signed<Roster>;
  readonly enclave: Signed<EnclaveDocument>;
  readonly registration: Signed<NodeRegistration>;
  readonly manifest: Signed<Manifest> & { readonly roles: readonly string[] };
  readonly request: AccessRequest;
  readonly requestDigest: string;
  readonly approvals: readonly VerifiedApproval[];
  /** Factors the policy data ask for; the manifest may ask for more. */
  readonly policyFactors: RequiredFactors;
  /** AK bound to the node. */
  readonly akName: string;
}

export type ReleasePolicyInput = ReturnType<typeof releasePolicyInput>;

/** Bytes a release debits: the full size of its shards as sealed (protocol rule 12). */
export function releaseBytes(manifest: Manifest, shards: readonly number[]): number {
  return shards.reduce((sum, index) => sum + (manifest.shards[index]?.plaintext_bytes ?? Number.NaN), 0);
}

export function manifestBytes(manifest: Manifest): number {
  return manifest.shards.reduce((sum, shard) => sum + shard.plaintext_bytes, 0);
}

/** The enclave's two caps for the release route of an asset of `assetBytes`. Absent route: both 0, so nothing fits. */
export function releaseCaps(enclave: EnclaveDocument, assetBytes: number): { windowSeconds: number; relativeCapBytes: number; absoluteCapBytes: number } {
  const budget = enclave.enclave.budgets.find((candidate) => candidate.route === 'release');
  if (budget === undefined) return { windowSeconds: 1, relativeCapBytes: 0, absoluteCapBytes: 0 };
  const relative = (BigInt(assetBytes) * BigInt(budget.relative_cap.numerator)) / BigInt(budget.relative_cap.denominator);
  return {
    windowSeconds: budget.window_seconds,
    relativeCapBytes: relative > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(relative),
    absoluteCapBytes: budget.absolute_cap_bytes,
  };
}

/** Required factors of a release: the stricter of policy and manifest. */
export function requiredFactors(material: Pick<VerifiedReleaseMaterial, 'manifest' | 'policyFactors'>): RequiredFactors {
  return strictestFactors(material.policyFactors, material.manifest.value.quorum.read_shard);
}

/**
 * The release policy's input, from verified material and facts. Server, releaser and agent build it with this one function, so
 * that what was logged can be derived again by whoever doubts it (protocol rule 9).
 */
export function releasePolicyInput(material: VerifiedReleaseMaterial, facts: ReleaseFacts) {
  const { policy, roster, enclave, registration, manifest, request, approvals } = material;
  const required = requiredFactors(material);
  const votes = approvals.filter((a) => a.statement.decision === 'approve').map((a) => ({ approver: a.approver, factor: a.statement.factor }));
  const caps = releaseCaps(enclave.value, manifestBytes(manifest.value));
  return {
    now: facts.now,
    tenant: request.tenant,
    action: request.action,
    profile: policy.value.profile,
    policy: { digest: policy.value.policy_digest, revision: policy.value.revision, expires_at: epochSeconds(policy.value.expires_at) },
    request: {
      id: request.id,
      digest: material.requestDigest,
      requested_by: request.requested_by,
      purpose: request.purpose,
      ticket: request.ticket,
      state: facts.requestState,
      created_at: epochSeconds(request.created_at),
      approve_by: epochSeconds(request.approve_by),
      not_before: epochSeconds(request.not_before),
      not_after: epochSeconds(request.not_after),
      max_uses: request.max_uses,
      uses: facts.uses,
      shards: request.shards,
      node: request.node,
      enclave: request.enclave,
      manifest_digest: request.manifest_digest,
    },
    approvals: approvals.map(({ statement, approver, credential, aaguid, userVerified, backupEligible }) => ({
      approver,
      credential,
      factor: statement.factor,
      decision: statement.decision,
      aaguid,
      user_verified: userVerified,
      backup_eligible: backupEligible,
      request_digest: statement.request_digest,
      policy_digest: statement.policy_digest,
      purpose: statement.purpose,
      enclave: statement.enclave,
      not_before: epochSeconds(statement.not_before),
      not_after: epochSeconds(statement.not_after),
      max_uses: statement.max_uses,
      verified: true,
    })),
    quorum: { matched: matchQuorum(required, votes, new Set([request.requested_by])).matched.map((vote) => ({ ...vote })) },
    roster: { version: roster.value.version, expires_at: epochSeconds(roster.value.expires_at) },
    node: {
      id: registration.value.node,
      enclave: registration.value.enclave,
      state: facts.nodeState,
      ak_name: material.akName,
      registered_by: registration.keyIds.length,
    },
    attestation: { ...facts.attestation },
    asset: {
      id: manifest.value.asset.id,
      state: 'registered',
      enclaves: manifest.value.enclaves,
      manifest: {
        digest: manifest.digest,
        version: manifest.value.version,
        expires_at: epochSeconds(manifest.value.expires_at),
        signed_roles: [...manifest.roles],
        logged: true,
        log_index: facts.manifestLogIndex,
        factors: { ...manifest.value.quorum.read_shard } as Record<string, number>,
        environments: manifest.value.environments,
      },
      shards: request.shards.map((index) => ({ index, bytes: releaseBytes(manifest.value, [index]) })),
    },
    enclave: {
      id: enclave.value.enclave.id,
      version: enclave.value.version,
      expires_at: epochSeconds(enclave.value.expires_at),
      environments: enclave.value.enclave.environments.map((environment) => environment.name),
      evidence_kinds: [...enclave.value.enclave.evidence.kinds],
      require_hardware: enclave.value.enclave.evidence.require_hardware,
    },
    budget: {
      route: 'release',
      window_seconds: caps.windowSeconds,
      requested_bytes: releaseBytes(manifest.value, request.shards),
      used_bytes: facts.usedBytes,
      reserved_bytes: facts.reservedBytes,
      relative_cap_bytes: caps.relativeCapBytes,
      absolute_cap_bytes: caps.absoluteCapBytes,
    },
    lease: { seconds: Math.min(enclave.value.enclave.lease.seconds, manifest.value.lease.max_seconds), renew_seconds: enclave.value.enclave.lease.renew_seconds },
  };
}
