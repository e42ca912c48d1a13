import type { Suite } from '../suite.js';
import { cosignedCheckpointsSuite } from './cosigned-checkpoints.js';
import { digestOnlyLogsSuite } from './digest-only-logs.js';
import { earSuite } from './ear.js';
import { logProofsSuite } from './log-proofs.js';
import { consistencySuite, inclusionSuite } from './merkle-proofs.js';
import { signedNotesSuite } from './signed-notes.js';
import { sigstoreCheckpointsSuite } from './sigstore-checkpoints.js';
import { tileLayoutSuite } from './tile-layout.js';
import { tiledLogsSuite } from './tiled-logs.js';
import { tpmSuites } from './tpm.js';
import { witnessProtocolSuite } from './witness-protocol.js';

/** Every suite, in the order in which they run. */
export const suites: readonly Suite[] = [
  inclusionSuite,
  consistencySuite,
  signedNotesSuite,
  tileLayoutSuite,
  tiledLogsSuite,
  digestOnlyLogsSuite,
  cosignedCheckpointsSuite,
  logProofsSuite,
  witnessProtocolSuite,
  sigstoreCheckpointsSuite,
  ...tpmSuites,
  earSuite,
];
