import { appraiseEvidence } from '@strongroom/attestation-appraisal';
import { fromBase64url } from '@strongroom/attestation-encoding';
import type { AttestationResult, EvidenceBinding } from '@strongroom/attestation-model';
import { parseAttest } from '@strongroom/attestation-tpm2';
import type { Anchors, EnclaveDocument, ReleaserOperations } from '@strongroom/control-plane-contract';
import type { PolicyEngine } from '@strongroom/policies-engine';
import { ReleaserError } from '../errors.js';

type Evidence = ReleaserOperations['release']['request']['evidence'];

export interface EvidenceExpectations {
  readonly anchors: Anchors;
  readonly engine: PolicyEngine;
  readonly enclave: EnclaveDocument;
  /** Environments the manifest allows. */
  readonly environments: readonly string[];
  readonly hardware: boolean;
  readonly binding: EvidenceBinding;
  readonly expectedResetCount: number;
  readonly now: Date;
}

/** Evidence found affirming, by us. */
export interface AffirmedEvidence {
  readonly result: AttestationResult & { readonly status: 'affirming'; readonly environment: string };
  readonly hardware: boolean;
  readonly resetCount: number;
}

/**
 * Appraises raw evidence against the enclave's own reference values, believing nobody's earlier result.
 * @throws ReleaserError `evidence-not-affirming` where it is genuine and not good enough; `evidence-rejected` where it is not genuine
 */
export function affirmEvidence(evidence: Evidence, expected: EvidenceExpectations): AffirmedEvidence {
  const body = expected.enclave.enclave;
  if (!body.evidence.kinds.includes(evidence.kind)) throw new ReleaserError('evidence-not-affirming', 'the enclave takes no such evidence');
  const result = appraise(evidence, expected);
  if (result.status !== 'affirming' || result.environment === null) {
    throw new ReleaserError('evidence-not-affirming', `the evidence is ${result.status}: ${result.reasons.join(', ')}`);
  }
  if (!expected.environments.includes(result.environment)) throw new ReleaserError('evidence-not-affirming', 'the manifest does not allow this environment');
  const hardware = expected.hardware && evidence.kind === 'tpm2';
  if (body.evidence.require_hardware && !hardware) throw new ReleaserError('evidence-not-affirming', 'the enclave asks for hardware');
  return { result: { ...result, status: 'affirming', environment: result.environment }, hardware, resetCount: resetCountOf(evidence) };
}

function appraise(evidence: Evidence, { anchors, engine, enclave, hardware, binding, expectedResetCount, now }: EvidenceExpectations): AttestationResult {
  try {
    return appraiseEvidence({
      evidence,
      expected: { akName: binding.akName, binding, hardware },
      environments: enclave.enclave.environments,
      boot: { expectedResetCount },
      engine,
      profile: anchors.profile,
      policyDigest: engine.policyDigest,
      now,
    });
  } catch (cause) {
    throw new ReleaserError('evidence-rejected', `the evidence is malformed or forged: ${codeOf(cause)}`, { cause });
  }
}

/** The verifiers' stable code, which says what did not hold and nothing of the evidence. */
function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[a-z0-9-]{1,64}$/.test(code) ? code : 'unreadable';
}

/** Only of evidence that was verified: by itself this proves nothing. */
function resetCountOf(evidence: Evidence): number {
  return evidence.kind === 'tpm2' ? parseAttest(fromBase64url(evidence.attest, 4096)).clock.resetCount : 0;
}
