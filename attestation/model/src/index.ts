export { evidenceBindingDigest } from './binding.js';
export type { EvidenceBinding, EvidencePurpose } from './binding.js';
export { provenClaims } from './evidence.js';
export type { Evidence, PcrBank, SoftwareEvidence, SoftwareStatement, Tpm2Evidence, VerifiedClaims } from './evidence.js';
export type { AttestationResult, EarStatus, ReferenceEnvironment, TrustworthinessVector } from './attestation-result.js';
