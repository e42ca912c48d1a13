import type { EarStatus, TrustworthinessVector } from '@strongroom/attestation-model';
import type { AppraisalInput } from '@strongroom/policies-engine';
import { AppraisalError } from './errors.js';

/** The part of the policy engine that appraisal needs. */
export interface AppraisalPolicy {
  decideAppraisal(input: AppraisalInput): {
    readonly decision: boolean;
    readonly status: EarStatus;
    readonly vector: TrustworthinessVector;
    readonly reasons: readonly { readonly code: string }[];
  };
}

export interface Verdict {
  readonly status: EarStatus;
  readonly vector: TrustworthinessVector;
  readonly reasons: readonly string[];
}

const STATUSES: readonly EarStatus[] = ['none', 'affirming', 'warning', 'contraindicated'];
const CLAIMS = ['instance-identity', 'configuration', 'executables', 'hardware'] as const;
const MAX_REASONS = 64;

/**
 * Asks the policy and holds its answer together: `affirming` only with a true decision, a matched environment, no reason against and no
 * trust claim worse than affirming. A policy that says otherwise contradicts itself, and the verdict is contraindicated.
 * @throws AppraisalError `appraisal-policy-failed`
 */
export function decideVerdict(policy: AppraisalPolicy, input: AppraisalInput): Verdict {
  const answer = ask(policy, input);
  const reasons = answer.reasons.map(({ code }) => code);
  const good = answer.decision && input.environment.matched && reasons.length === 0 && worstTier(answer.vector) <= 1;
  if (good === (answer.status === 'affirming')) return { status: answer.status, vector: answer.vector, reasons };
  return { status: 'contraindicated', vector: answer.vector, reasons: [...reasons, 'policy.contradicts_itself'] };
}

/** AR4SI tiers of the worst claim: 0 none, 1 affirming, 2 warning, 3 contraindicated. */
function worstTier(vector: TrustworthinessVector): number {
  const tier = (value: number): number => (value >= 96 || value < -96 ? 3 : value >= 32 || value < -32 ? 2 : value >= 2 || value < -1 ? 1 : 0);
  return Math.max(0, ...CLAIMS.map((claim) => tier(vector[claim] ?? 0)));
}

function ask(policy: AppraisalPolicy, input: AppraisalInput): ReturnType<AppraisalPolicy['decideAppraisal']> {
  let answer: unknown;
  try {
    answer = policy.decideAppraisal(input);
  } catch (cause) {
    throw new AppraisalError('appraisal-policy-failed', 'appraisal policy failed', { cause });
  }
  if (!isAnswer(answer)) throw new AppraisalError('appraisal-policy-failed', 'appraisal policy answered in no readable shape');
  return answer;
}

function isAnswer(value: unknown): value is ReturnType<AppraisalPolicy['decideAppraisal']> {
  const { decision, status, vector, reasons } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof decision === 'boolean' &&
    STATUSES.includes(status as EarStatus) &&
    isTrustworthinessVector(vector) &&
    Array.isArray(reasons) &&
    reasons.length <= MAX_REASONS &&
    reasons.every((reason) => typeof (reason as { code?: unknown } | null)?.code === 'string')
  );
}

/** Only the claims that appraisal speaks about, each an integer of -128 to 127. */
export function isTrustworthinessVector(value: unknown): value is TrustworthinessVector {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([claim, number]) => CLAIMS.some((known) => known === claim) && Number.isInteger(number) && number >= -128 && number <= 127);
}
