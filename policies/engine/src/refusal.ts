import type { AppraisalDecision, Decision, Reason } from './decision.js';

/** Codes of refusals that the engine itself gives, when the policy could not be asked or did not answer. */
export type EngineRefusalCode = 'policy-input-invalid' | 'policy-engine-failed' | 'policy-result-invalid';

const TEXTS: Readonly<Record<EngineRefusalCode, readonly [message: string, remedy: string]>> = {
  'policy-input-invalid': ['The question is not of the shape the policy reads', 'Ask with every member present and of its form.'],
  'policy-engine-failed': ['The policy could not be evaluated', 'Ask again; if it stays, look at the memory limit and the bundle.'],
  'policy-result-invalid': ['The policy gave no answer of the agreed shape', 'Have the bundle rebuilt and signed again.'],
};

/** A no that the engine gives. `where` names a place in the input, never a value. */
export function refusal(code: EngineRefusalCode, where = ''): Decision {
  const [message, remedy] = TEXTS[code];
  const reason: Reason = { code, message: where ? `${message}: ${where}.`.slice(0, 300) : `${message}.`, remedy };
  return Object.freeze({ decision: false, reasons: Object.freeze([reason]), obligations: Object.freeze([]) });
}

export function appraisalRefusal(decision: Decision): AppraisalDecision {
  const vector = { 'instance-identity': 0, configuration: 0, executables: 0, hardware: 0 };
  return Object.freeze({ ...decision, status: 'none', vector: Object.freeze(vector) });
}
