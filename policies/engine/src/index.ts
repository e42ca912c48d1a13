export type { AccessAction, AccessInput } from './access-input.js';
export type { AppraisalInput } from './appraisal-input.js';
export type { AppraisalDecision, AppraisalVector, Decision, Obligation, Reason } from './decision.js';
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
