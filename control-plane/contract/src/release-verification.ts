import { canonicalJson } from '@strongroom/attestation-encoding';
import { requestDigest, type AccessRequest } from './access-request.js';
import type { Anchors } from './anchors.js';
import { verifyApproval, type VerifiedApproval } from './approval.js';
import { verifyEnclaveDocument, verifyManifest, verifyNodeBinding, verifyNodeRegistration, verifyPolicyEnvelope, verifyRoster, weightsDigests, type Manifest, type NodeBinding } from './documents.js';
import { ContractError } from './errors.js';
import { logStatementOf, type ReleaseStatement } from './log-entry.js';
import { sameCheckpoint, verifyProvenEntry, type ProvenLogEntry } from './log-proof.js';
import { matchQuorum, type RequiredFactors } from './quorum.js';
import { releaseBytes, releasePolicyInput, requiredFactors, type ReleaseFacts, type VerifiedReleaseMaterial } from './release-policy-input.js';
import { releaseMaterialSchema, type ReleaseMaterial } from './release-material.js';
import { epochSeconds } from './scalars.js';
import type { Signed } from './statement.js';

/** The release policy as a verifier holds it: its own copy of the bundle, never the server's answer. */
export interface ReleasePolicy {
  readonly policyDigest: string;
  /** Factors and counts the policy data ask for; an unknown action asks for the impossible by being undefined. */
  requiredFactors(action: string): RequiredFactors | undefined;
  decideRelease(input: unknown): { readonly decision: boolean; readonly reasons: readonly { readonly code: string }[] };
}

export interface ReleaseVerificationContext {
  readonly anchors: Anchors;
  readonly policy: ReleasePolicy;
  readonly now: Date;
  /** How far the logged decision may lie back (or ahead, by clock skew). */
  readonly maxAgeSeconds: number;
}

export interface VerifiedRelease extends VerifiedReleaseMaterial {
  readonly binding: Signed<NodeBinding>;
  readonly statement: ReleaseStatement;
  readonly entry: ProvenLogEntry;
  readonly manifestEntry: ProvenLogEntry;
}

/**
 * Verifies everything signed that a request rests on: roster, policy, enclave, registration, binding, manifest, request, approvals.
 * The log is a separate step. Used by the server before it logs, and by releaser and agent before they believe.
 * @throws ContractError with the code of the first statement that does not hold
 */
export function verifyRequestMaterial(
  raw: Omit<ReleaseMaterial, 'manifest_entry' | 'release_entry'>,
  { anchors, policy, now }: Pick<ReleaseVerificationContext, 'anchors' | 'policy' | 'now'>,
): VerifiedReleaseMaterial & { readonly binding: Signed<NodeBinding> } {
  const roster = verifyRoster(raw.roster, anchors, now);
  const envelope = verifyPolicyEnvelope(raw.policy, anchors, now);
  if (envelope.value.policy_digest !== policy.policyDigest) throw new ContractError('release-policy-digest', 'the policy in force is not the bundle held here');
  const enclave = verifyEnclaveDocument(raw.enclave, anchors, now);
  const registration = verifyNodeRegistration(raw.registration, anchors, now);
  const binding = verifyNodeBinding(raw.binding, anchors, now);
  const manifest = verifyManifest(raw.manifest, anchors, now);
  const { request } = raw;
  assertRequestFits(request, { anchors, manifest, enclave: enclave.value.enclave.id, registration: registration.value.node, registeredEnclave: registration.value.enclave });
  if (binding.value.node !== request.node || binding.value.registration_digest !== registration.digest || binding.value.kind !== registration.value.kind || binding.value.hardware_id !== registration.value.hardware_id) {
    throw new ContractError('release-entry-mismatch', 'the node binding is of another node or registration');
  }
  const policyFactors = policy.requiredFactors(request.action);
  if (policyFactors === undefined || Object.keys(policyFactors).length === 0) throw new ContractError('quorum-incomplete', 'the policy names no factors for this action');
  const digest = requestDigest(request);
  const approvals = raw.approvals.map((approval) => {
    const verified = verifyApproval(approval, { tenant: anchors.tenant, roster: roster.value, rpId: anchors.approval.rp_id, origins: anchors.approval.origins });
    assertApprovalFits(verified, request, digest, policy.policyDigest, weightsDigests(manifest.value, request.shards));
    return verified;
  });
  return { policy: envelope, roster, enclave, registration, binding, manifest, request, requestDigest: digest, approvals, policyFactors, akName: binding.value.ak_name };
}

function assertRequestFits(
  request: AccessRequest,
  fits: { anchors: Anchors; manifest: Signed<Manifest>; enclave: string; registration: string; registeredEnclave: string },
): void {
  const { anchors, manifest } = fits;
  if (request.tenant !== anchors.tenant) throw new ContractError('statement-other-tenant', 'request of another tenant');
  if (request.manifest_digest !== manifest.digest || request.asset !== manifest.value.asset.id) throw new ContractError('manifest-mismatch', 'the request names another manifest');
  if (request.shards.some((index) => manifest.value.shards[index] === undefined)) throw new ContractError('manifest-mismatch', 'the request names a shard the manifest does not have');
  if (request.enclave !== fits.enclave || request.enclave !== fits.registeredEnclave || request.node !== fits.registration) {
    throw new ContractError('release-entry-mismatch', 'the request names another node or enclave');
  }
}

/**
 * An approval counts for a request only when every member that both carry is the same.
 * @throws ContractError `approval-other-request` | `approval-other-policy` | `approval-window`
 */
export function assertApprovalFits(approval: VerifiedApproval, request: AccessRequest, digest: string, policyDigest: string, weights: readonly string[]): void {
  const { statement } = approval;
  const sameRequest =
    statement.request_id === request.id &&
    statement.request_digest === digest &&
    statement.purpose === request.purpose &&
    statement.enclave === request.enclave &&
    statement.weights_digest.length === weights.length &&
    statement.weights_digest.every((value, i) => value === weights[i]);
  if (!sameRequest) throw new ContractError('approval-other-request', 'the approval is for another request, or the request changed after it');
  if (statement.policy_digest !== policyDigest) throw new ContractError('approval-other-policy', 'the approval was given under another policy');
  if (statement.not_before !== request.not_before || statement.not_after !== request.not_after || statement.max_uses !== request.max_uses) {
    throw new ContractError('approval-window', 'the approval is for another window or number of uses');
  }
  if (approval.approver === request.requested_by) throw new ContractError('approval-factor', 'nobody approves their own request');
}

/** @throws ContractError `quorum-incomplete` */
export function assertQuorum(material: Pick<VerifiedReleaseMaterial, 'approvals' | 'request' | 'manifest' | 'policyFactors'>): void {
  if (material.approvals.some((approval) => approval.statement.decision === 'deny')) throw new ContractError('quorum-incomplete', 'one denial is final');
  const votes = material.approvals.map((approval) => ({ approver: approval.approver, factor: approval.statement.factor }));
  const quorum = matchQuorum(requiredFactors(material), votes, new Set([material.request.requested_by]));
  if (!quorum.complete) throw new ContractError('quorum-incomplete', `approvals of ${quorum.missing.map((slot) => `${slot.count} ${slot.factor}`).join(', ')} are missing`);
}

/**
 * The whole check of a logged release: signed material, quorum, manifest in the log, release entry in the log and equal to what
 * the material gives, and the release policy once more over the logged input. What it cannot say: whether the request was revoked
 * since, and whether the evidence is good (the releaser appraises it; the agent made it).
 *
 * @throws ContractError with the code of the first proof that does not hold
 */
export function verifyRelease(raw: unknown, context: ReleaseVerificationContext): VerifiedRelease {
  const parsed = releaseMaterialSchema.safeParse(raw);
  if (!parsed.success) throw new ContractError('statement-malformed', 'release material is malformed', { cause: parsed.error });
  const material = verifyRequestMaterial(parsed.data, context);
  assertQuorum(material);
  const manifestEntry = verifyProvenEntry(parsed.data.manifest_entry, context.anchors, context.now);
  const manifestStatement = logStatementOf(manifestEntry.entry);
  if (manifestStatement.type !== 'strongroom/log/manifest/v1' || manifestStatement.manifest_digest !== material.manifest.digest || manifestStatement.asset !== material.request.asset) {
    throw new ContractError('manifest-not-logged', 'the log entry given is not of this manifest');
  }
  const entry = verifyProvenEntry(parsed.data.release_entry, context.anchors, context.now);
  const statement = logStatementOf(entry.entry);
  if (statement.type !== 'strongroom/log/release/v1') throw new ContractError('release-not-logged', 'the log entry given is not a release');
  if (!sameCheckpoint(manifestEntry, entry)) throw new ContractError('log-proof', 'manifest and release must be proven under one checkpoint');
  if (manifestEntry.index >= entry.index) throw new ContractError('manifest-not-logged', 'the manifest was logged after the release');
  assertEntryMatches(statement, material);
  assertInputMatches(statement, material, Number(manifestEntry.index), context);
  return { ...material, statement, entry, manifestEntry };
}

function assertEntryMatches(statement: ReleaseStatement, material: ReturnType<typeof verifyRequestMaterial>): void {
  const { request, manifest, policy, enclave, roster, binding } = material;
  const counted = material.approvals.map((approval) => ({ approver: approval.approver, factor: approval.statement.factor, statement_digest: approval.statementDigest }));
  const same: readonly [unknown, unknown][] = [
    [statement.tenant, request.tenant],
    [statement.request_id, request.id],
    [statement.request_digest, material.requestDigest],
    [statement.action, request.action],
    [statement.asset, request.asset],
    [statement.manifest_digest, manifest.digest],
    [statement.policy_digest, policy.value.policy_digest],
    [statement.enclave_digest, enclave.digest],
    [statement.roster_digest, roster.digest],
    [statement.node, request.node],
    [statement.ak_name, binding.value.ak_name],
    [statement.mtls_key_digest, binding.value.mtls_key_digest],
    [statement.shards, request.shards],
    [statement.bytes, releaseBytes(manifest.value, request.shards)],
    [statement.approvals, counted],
    [statement.lease.not_after, request.not_after],
  ];
  if (same.some(([a, b]) => canonicalJson(a) !== canonicalJson(b))) {
    throw new ContractError('release-entry-mismatch', 'the logged release is not the one these statements give');
  }
}

/** Derives the policy input again from signed material and the logged facts; it must come out the same, and still be allowed. */
function assertInputMatches(statement: ReleaseStatement, material: VerifiedReleaseMaterial, manifestLogIndex: number, context: ReleaseVerificationContext): void {
  const facts = loggedFacts(statement, manifestLogIndex);
  const derived = releasePolicyInput(material, facts);
  if (canonicalJson(derived) !== canonicalJson(statement.input)) throw new ContractError('release-input-mismatch', 'the logged policy input is not what the signed statements give');
  if (
    facts.attestation.evidence_digest !== statement.evidence_digest ||
    facts.attestation.transport_key_digest !== statement.transport_key_digest ||
    facts.attestation.ak_name !== statement.ak_name ||
    derived.lease.seconds !== statement.lease.seconds ||
    derived.lease.renew_seconds !== statement.lease.renew_seconds
  ) {
    throw new ContractError('release-input-mismatch', 'the logged policy input speaks of other evidence or another lease');
  }
  const age = epochSeconds(context.now) - facts.now;
  if (!(Math.abs(age) <= context.maxAgeSeconds)) throw new ContractError('release-stale', 'the logged decision is too old');
  const decision = context.policy.decideRelease(statement.input);
  if (decision.decision !== true) {
    throw new ContractError('release-policy-denied', `the release policy refuses the logged input: ${decision.reasons.map((reason) => reason.code).join(', ')}`);
  }
}

/** The facts inside a logged input. Shape is the policy schema's business; here only what derivation needs. */
export function loggedFacts(statement: ReleaseStatement, manifestLogIndex: number): ReleaseFacts {
  const input = statement.input as unknown as ReturnType<typeof releasePolicyInput>;
  try {
    return {
      now: input.now,
      requestState: input.request.state,
      uses: input.request.uses,
      nodeState: input.node.state,
      attestation: input.attestation,
      manifestLogIndex,
      usedBytes: input.budget.used_bytes,
      reservedBytes: input.budget.reserved_bytes,
    };
  } catch (cause) {
    throw new ContractError('release-input-mismatch', 'the logged policy input is malformed', { cause });
  }
}
