export { AppraisalError } from './errors.js';
export type { AppraisalErrorCode } from './errors.js';
export { appraiseEvidence } from './appraise.js';
export type { AppraisalRequest } from './appraise.js';
export type { AppraisalPolicy } from './appraisal-policy.js';
export { matchEnvironment } from './reference-environment.js';
export { EAR_PROFILE, signEar, verifyEar } from './ear.js';
export type { EarSigningOptions, EarVerificationOptions, VerifiedEar } from './ear.js';
