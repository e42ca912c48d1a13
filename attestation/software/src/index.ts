export { SoftwareEvidenceError } from './errors.js';
export type { SoftwareEvidenceErrorCode } from './errors.js';
export { softwareKeyName, verifySoftwareEvidence } from './verify.js';
export type { ExpectedSoftwareEvidence } from './verify.js';
export { sealSoftwareCredential } from './credential.js';
export type { SoftwareCredential } from './credential.js';
