import { canonicalDigest, isDigest } from '@strongroom/attestation-encoding';
import { evidenceBindingDigest, type AttestationResult, type Evidence, type EvidenceBinding, type ReferenceEnvironment, type VerifiedClaims } from '@strongroom/attestation-model';
import type { AppraisalInput } from '@strongroom/policies-engine';
import { verifySoftwareEvidence } from '@strongroom/attestation-software';
import { verifyTpm2Quote } from '@strongroom/attestation-tpm2';
import { decideVerdict, type AppraisalPolicy } from './appraisal-policy.js';
import { AppraisalError } from './errors.js';
import { matchEnvironment } from './reference-environment.js';

export interface AppraisalRequest {
  /** As received. */
  readonly evidence: Evidence;
  readonly expected: {
    /** TPM name of the attestation key on the node's record, lowercase hex. */
    readonly akName: string;
    /** What the evidence must be made over; its AK name must be the same. */
    readonly binding: EvidenceBinding;
    /** The node's record says that its endorsement leads to a vendor's root. A simulated TPM signs like a real one; only that tells. */
    readonly hardware: boolean;
  };
  /** Reference environments, the first that matches wins. None: nothing can be affirmed. */
  readonly environments: readonly ReferenceEnvironment[];
  /** What is known of the machine's boots. Required for `renew` of evidence with a clock, since a reboot ends a lease. */
  readonly boot?: { readonly expectedResetCount: number };
  readonly engine: AppraisalPolicy;
  readonly profile: AppraisalInput['profile'];
  /** `sha256:<hex>` of the policy bundle that `engine` runs. */
  readonly policyDigest: string;
  readonly now: Date;
}

/**
 * Appraises one piece of evidence: verifies it against what the node's record expects, finds the reference environment it is in, and asks
 * the appraisal policy what that is worth. Evidence that is malformed or forged throws; genuine but wrong evidence gives a result that says so.
 * NOT checked: whether the nonce is ours and unused, and who owns the attestation key. Both are the caller's records.
 *
 * @throws AppraisalError `appraisal-*` | `reference-environment-malformed`; Tpm2Error; SoftwareEvidenceError
 * @see RFC 9334 section 8, draft-ietf-rats-ar4si
 */
export function appraiseEvidence(request: AppraisalRequest): AttestationResult {
  const { evidence, environments, policyDigest, now } = request;
  requireExpectations(request);
  const claims = verifyEvidence(evidence, request.expected);
  const environment = matchEnvironment(claims, environments, now);
  const verdict = decideVerdict(request.engine, appraisalInput(request, claims, environment));
  return Object.freeze({
    ...verdict,
    kind: claims.kind,
    environment: environment?.name ?? null,
    akName: claims.akName,
    evidenceDigest: canonicalDigest(evidence),
    appraisedAt: epochSeconds(now),
    policyDigest,
  });
}

function requireExpectations({ expected, environments, policyDigest, now }: AppraisalRequest): void {
  const refuse = (message: string): never => {
    throw new AppraisalError('appraisal-expectation-malformed', message);
  };
  if (!(now instanceof Date) || Number.isNaN(now.getTime())) refuse('the instant to judge at is absent');
  if (!isDigest(policyDigest)) refuse('policy digest is absent');
  if (!Array.isArray(environments)) refuse('reference environments are absent');
  if (expected?.akName === undefined || expected.akName !== expected.binding?.akName) refuse('the record and the binding name different attestation keys');
}

function verifyEvidence(evidence: Evidence, { akName, binding }: AppraisalRequest['expected']): VerifiedClaims {
  const expected = { akName, bindingDigest: bindingDigest(binding) };
  switch (evidence?.kind) {
    case 'tpm2':
      return verifyTpm2Quote(evidence, expected);
    case 'software':
      return verifySoftwareEvidence(evidence, expected);
    default:
      throw new AppraisalError('appraisal-evidence-kind', 'evidence is of no kind known here');
  }
}

function bindingDigest(binding: EvidenceBinding): Uint8Array {
  try {
    return evidenceBindingDigest(binding);
  } catch (cause) {
    throw new AppraisalError('appraisal-expectation-malformed', 'expected binding is malformed', { cause });
  }
}

function appraisalInput({ expected, boot, profile, now }: AppraisalRequest, claims: VerifiedClaims, environment: ReferenceEnvironment | null): AppraisalInput {
  const { purpose } = expected.binding;
  const { clock } = claims;
  if (clock !== undefined && purpose === 'renew' && boot === undefined) {
    throw new AppraisalError('appraisal-expectation-malformed', 'renewal needs the reset count of the release');
  }
  const resetCount = clock?.resetCount ?? 0;
  return {
    now: epochSeconds(now),
    profile,
    purpose,
    claims: {
      kind: claims.kind,
      hardware: claims.hardware && expected.hardware === true,
      ak_name: claims.akName,
      // Both were just verified, or we would not be here; the policy demands them by name all the same.
      ak_registered: claims.akName === expected.akName,
      binding_verified: true,
      clock_safe: clock?.safe ?? false,
      reset_count: resetCount,
      expected_reset_count: clock === undefined ? 0 : (boot?.expectedResetCount ?? resetCount),
    },
    environment: {
      matched: environment !== null,
      name: environment?.name ?? '',
      kind: environment?.kind ?? claims.kind,
      expires_at: environment === null ? 0 : epochSeconds(new Date(environment.expires_at)),
    },
  };
}

function epochSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}
