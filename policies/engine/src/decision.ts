/** Why a decision is no: `code` is stable API, `message` says what did not hold, `remedy` what to do about it. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What the enforcement point must do. One it does not know, or cannot do, is a refusal. */
export interface Obligation {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** AuthZEN-shaped answer. Only `decision === true` permits. `reasons` is empty exactly when `decision` is true. */
export interface Decision {
  readonly decision: boolean;
  readonly reasons: readonly Reason[];
  readonly obligations: readonly Obligation[];
}

/** AR4SI trust claims the appraisal speaks about: 0 no claim, 2..31 affirming, 32..95 warning, 96..127 contraindicated. */
export interface AppraisalVector {
  readonly 'instance-identity': number;
  readonly configuration: number;
  readonly executables: number;
  readonly hardware: number;
}

/** `decision` is true exactly when `status` is `affirming`. */
export interface AppraisalDecision extends Decision {
  readonly status: 'affirming' | 'warning' | 'contraindicated' | 'none';
  readonly vector: AppraisalVector;
}
