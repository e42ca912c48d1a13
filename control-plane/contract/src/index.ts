export { ContractError } from './errors.js';
export type { ContractErrorCode } from './errors.js';
export { action, bytes, count, digest, dsse, epochSeconds, factor, instant, purpose, slug, text, toInstant, uuid, version } from './scalars.js';
export type { Factor } from './scalars.js';
export { assertCurrent, keyMap, parseStatementValue, signerKey, signStatement, toSignerKey, verifyStatement } from './statement.js';
export type { Dated, Signed, SignerKey, StatementKind } from './statement.js';
export { ANCHORS, GENESIS, verifyGenesis, verifyNextAnchors, verifyPinnedAnchors } from './anchors.js';
export type { Anchors, Genesis } from './anchors.js';
export {
  ENCLAVE,
  MANIFEST,
  NODE_BINDING,
  NODE_REGISTRATION,
  POLICY,
  ROSTER,
  verifyEnclaveDocument,
  verifyManifest,
  verifyNodeBinding,
  verifyNodeRegistration,
  verifyPolicyEnvelope,
  verifyRoster,
  weightsDigests,
} from './documents.js';
export type { EnclaveDocument, Manifest, ManifestRole, ManifestShard, NodeBinding, NodeRegistration, PolicyEnvelope, Roster, RosterCredential, RosterPerson } from './documents.js';
export { accessRequestSchema, requestDigest, shortDigest } from './access-request.js';
export type { AccessRequest } from './access-request.js';
export { approvalChallenge, approvalSchema, approvalStatementSchema, assertionSchema, coseKey, verifyApproval } from './approval.js';
export type { Approval, ApprovalExpectations, ApprovalStatement, Assertion, VerifiedApproval } from './approval.js';
export { matchQuorum, strictestFactors } from './quorum.js';
export type { Quorum, RequiredFactors, Vote } from './quorum.js';
export { exportTransportKey, generateTransportKey, importTransportKey, openFrom, sealedMessageSchema, sealTo, transportKeyDigest } from './hpke.js';
export type { SealedMessage, TransportKeyPair, TransportPrivateKey } from './hpke.js';
export { keyCommitment, opensCommitment, shardKeyContext, wrapInfo, wrapShardKey } from './shard-key.js';
export type { ShardKeyContext } from './shard-key.js';
export { LEASE, leaseSecondsLeft, verifyLease } from './lease.js';
export type { Lease, LeaseExpectations } from './lease.js';
export { logStatementOf, logStatementSchema, MAX_ENTRY_BYTES, releaseInfo } from './log-entry.js';
export type { LogStatement, ReleaseStatement } from './log-entry.js';
export { logTrust, sameCheckpoint, verifyProvenEntry } from './log-proof.js';
export type { LogTrust, ProvenLogEntry } from './log-proof.js';
export { manifestBytes, releaseBytes, releaseCaps, releasePolicyInput, requiredFactors } from './release-policy-input.js';
export type { ReleaseFacts, ReleasePolicyInput, VerifiedReleaseMaterial } from './release-policy-input.js';
export { provenEntrySchema, releaseAnswerSchema, releasedKeySchema, releaseMaterialSchema } from './release-material.js';
export type { ProvenEntry, ReleaseAnswer, ReleasedKey, ReleaseMaterial } from './release-material.js';
export { assertApprovalFits, assertQuorum, loggedFacts, verifyRelease, verifyRequestMaterial } from './release-verification.js';
export type { ReleasePolicy, ReleaseVerificationContext, VerifiedRelease } from './release-verification.js';
export { endorsementSchema, evidenceSchema } from './evidence-shape.js';
export type { Endorsement } from './evidence-shape.js';
export * as releaserApi from './releaser-api.js';
export { activationMessage, RELEASER_REFUSALS } from './releaser-api.js';
export type { ReleaserOperations, ReleaserRefusal } from './releaser-api.js';
export * as httpApi from './http-api.js';
