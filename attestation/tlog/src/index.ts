export { TlogError } from './errors.js';
export type { TlogErrorCode } from './errors.js';

export { createVerifier, formatVkey, isKeyName, parseVkey } from './vkey.js';
export type { NoteKeyType, NoteVerifier, SignatureStatement } from './vkey.js';
export { createCosigner, createNoteSigner } from './signer.js';
export type { Cosigner, NoteKeyOptions } from './signer.js';
export { appendSignatures, assembleNote, formatSignatureLine, openNote, parseNote, signNote } from './note.js';
export type { NoteSignature, NoteSigner, OpenedNote, ParsedNote, VerifiedSignature } from './note.js';

export { formatCheckpoint, parseCheckpoint } from './checkpoint-text.js';
export type { Checkpoint } from './checkpoint-text.js';
export { verifyCheckpoint } from './checkpoint.js';
export type { CheckpointCosignature, CheckpointTrust, VerifiedCheckpoint } from './checkpoint.js';

export { emptyRootHash, leafHash, nodeHash, verifyConsistency, verifyGrowth, verifyInclusion } from './merkle.js';
export type { ConsistencyClaim, InclusionClaim } from './merkle.js';

export { entriesPath, entriesPathOf, parseTilePath, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';
export type { LogPath } from './tile-path.js';
export { formatEntries, MAX_ENTRY_BYTES, parseEntries } from './entry-bundle.js';
export { edgeRootHash, emptyEdge, planAppend, readEdge } from './tile-writer.js';
export type { AppendPlan, LogEdge, LogFile } from './tile-writer.js';
export { TileReader } from './tile-reader.js';
export type { FetchFile } from './tile-reader.js';
export { verifyLogFolder } from './fsck.js';
export type { LogVerification, VerifyLogOptions } from './fsck.js';

export { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.js';
export type { ProvenEntry, TlogProof, TlogProofVerification } from './tlog-proof.js';

export { formatWitnessPolicy, isQuorumMet, parseWitnessPolicy, policyLog, policyVerifiers } from './witness-policy.js';
export type { PolicyLog, PolicyWitness, Quorum, QuorumMember, WitnessPolicy } from './witness-policy.js';
export { requestCosignature, submitCheckpoint } from './witness-client.js';
export type { CosignatureRequest, PostToWitness, SubmissionOptions, WitnessAnswer, WitnessResponse } from './witness-client.js';
export { answerAddCheckpoint } from './witness.js';
export type { WitnessedLogs, WitnessedTree, WitnessVerdict } from './witness.js';
export { formatAddCheckpoint, parseAddCheckpoint } from './witness-request.js';
export type { AddCheckpointRequest } from './witness-request.js';

export { CHECKPOINT_PATH } from './log-storage.js';
export type { LogStorage } from './log-storage.js';
export { DiskLogStorage } from './disk-storage.js';
