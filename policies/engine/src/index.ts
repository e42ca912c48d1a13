export type { AccessAction, AccessInput } from './access-input.js';
export type { AppraisalInput } from './appraisal-input.js';
export { loadBuiltBundle, policiesFolder } from './built-bundle.js';
export type { BuiltBundle } from './built-bundle.js';
export type { AppraisalDecision, AppraisalVector, Decision, Obligation, Reason } from './decision.js';
export { measureDecisionRate } from './decision-rate.js';
export type { DecisionRate } from './decision-rate.js';
export { createPolicyEngine, MAX_INPUT_BYTES, PolicyEngine } from './engine.js';
export type { PolicyEngineOptions, RequiredFactors } from './engine.js';
export { PolicyError } from './errors.js';
export type { PolicyErrorCode } from './errors.js';
export { policyDigestOf } from './policy-digest.js';
export type { PolicyIdentity } from './policy-digest.js';
export type { EngineRefusalCode } from './refusal.js';
export type {
  PolicyProfile,
  ReleaseApproval,
  ReleaseAsset,
  ReleaseAttestation,
  ReleaseBudget,
  ReleaseEnclave,
  ReleaseInput,
  ReleaseNode,
  ReleaseRequest,
} from './release-input.js';
export { SCHEMA_NAMES } from './schemas.js';
export type { PolicySchemas, SchemaName } from './schemas.js';
