/**
 * What the release policy reads. Every member is resolved by whoever evaluates (server, releaser, agent), never copied from a
 * caller's say-so, and every member is required: an absent one is a refusal. Instants are integer epoch seconds, byte counts
 * integers up to 2^53-1, digests `sha256:<hex>`, ids of people, nodes, requests and assets lowercase UUIDs.
 */
export interface ReleaseInput {
  readonly now: number;
  /** One tenant throughout: every signed statement behind this input was verified to be of it. */
  readonly tenant: string;
  /** `read_shard` asks for shard keys; `renew_lease` asks to prolong a lease already given. */
  readonly action: 'read_shard' | 'renew_lease';
  readonly profile: PolicyProfile;
  /** The bundle in force. `digest` and `revision` must be those of the engine that evaluates. */
  readonly policy: { readonly digest: string; readonly revision: number; readonly expires_at: number };
  readonly request: ReleaseRequest;
  readonly approvals: readonly ReleaseApproval[];
  /** The bipartite matching the evaluator found: each entry one person in one factor, no person twice. */
  readonly quorum: { readonly matched: readonly { readonly factor: string; readonly approver: string }[] };
  readonly roster: { readonly version: number; readonly expires_at: number };
  readonly node: ReleaseNode;
  readonly attestation: ReleaseAttestation;
  readonly asset: ReleaseAsset;
  readonly enclave: ReleaseEnclave;
  readonly budget: ReleaseBudget;
  /** The lease about to be given; clip `seconds` so that `now + seconds` does not pass `request.not_after`. */
  readonly lease: { readonly seconds: number; readonly renew_seconds: number };
}

export type PolicyProfile = 'development' | 'production';

export interface ReleaseRequest {
  readonly id: string;
  readonly digest: string;
  readonly requested_by: string;
  readonly purpose: string;
  /** Empty where the purpose needs none. */
  readonly ticket: string;
  readonly state: 'awaiting_approvals' | 'approved' | 'active' | 'expired' | 'revoked' | 'denied' | 'withdrawn' | 'used' | 'reviewed';
  readonly created_at: number;
  readonly approve_by: number;
  readonly not_before: number;
  readonly not_after: number;
  readonly max_uses: number;
  /** Uses already consumed, before this one for `read_shard`. */
  readonly uses: number;
  readonly shards: readonly number[];
  readonly node: string;
  readonly enclave: string;
  readonly manifest_digest: string;
}

/** A vote as its signed statement says it; `verified` only once the WebAuthn assertion was checked by the evaluator. */
export interface ReleaseApproval {
  readonly approver: string;
  readonly credential: string;
  readonly factor: string;
  readonly decision: 'approve' | 'deny';
  readonly aaguid: string;
  readonly user_verified: boolean;
  readonly backup_eligible: boolean;
  readonly request_digest: string;
  readonly policy_digest: string;
  readonly purpose: string;
  readonly enclave: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly max_uses: number;
  readonly verified: boolean;
}

export interface ReleaseNode {
  readonly id: string;
  readonly enclave: string;
  readonly state: 'registered' | 'enrolled' | 'suspended' | 'retired';
  readonly ak_name: string;
  /** How many distinct people registered its EK (or hardware id). */
  readonly registered_by: number;
}

export interface ReleaseAttestation {
  readonly status: 'affirming' | 'warning' | 'contraindicated' | 'none';
  readonly kind: 'tpm2' | 'software';
  readonly hardware: boolean;
  /** Reference environment that matched; empty when none did. */
  readonly environment: string;
  readonly evidence_digest: string;
  readonly transport_key_digest: string;
  readonly ak_name: string;
  readonly purpose: 'enrol' | 'release' | 'renew';
  readonly appraised_at: number;
  /** Digest of the policy the appraisal ran under. */
  readonly policy_digest: string;
}

export interface ReleaseAsset {
  readonly id: string;
  readonly state: 'registered' | 'frozen' | 'retired';
  readonly enclaves: readonly string[];
  readonly manifest: {
    readonly digest: string;
    readonly version: number;
    readonly expires_at: number;
    /** Roles whose signatures verified. */
    readonly signed_roles: readonly string[];
    /** True once inclusion under a signed checkpoint was verified. */
    readonly logged: boolean;
    readonly log_index: number;
    /** Least number of distinct people by factor. */
    readonly factors: Readonly<Record<string, number>>;
    readonly environments: readonly string[];
  };
  /** At least the shards the request names, with their sizes as the manifest states them. */
  readonly shards: readonly { readonly index: number; readonly bytes: number }[];
}

export interface ReleaseEnclave {
  readonly id: string;
  readonly version: number;
  readonly expires_at: number;
  readonly environments: readonly string[];
  readonly evidence_kinds: readonly ('tpm2' | 'software')[];
  readonly require_hardware: boolean;
}

export interface ReleaseBudget {
  readonly route: string;
  readonly window_seconds: number;
  /** Sum of the sizes of `request.shards` for `read_shard`; 0 for `renew_lease`. */
  readonly requested_bytes: number;
  readonly used_bytes: number;
  readonly reserved_bytes: number;
  readonly relative_cap_bytes: number;
  readonly absolute_cap_bytes: number;
}
