import type { Attack } from '../attack.js';
import { anotherMeasurement, anotherTransportKey, forgedNonce, loggedTransportKey, renewalAfterChange, replayedNonce, staleAttestation } from './attestation.js';
import { concurrentReleases } from './budget.js';
import { anotherLog, manifestNotLogged, releaseNotLogged } from './log.js';
import { lyingServer } from './lying-server.js';
import { alteredRequest, approvalsSkipped, deniedRequest, oneApproverTwice, requesterApproves } from './people.js';
import { tamperedShard } from './shards.js';

export const attacks: readonly Attack[] = [
  replayedNonce,
  anotherTransportKey,
  loggedTransportKey,
  oneApproverTwice,
  requesterApproves,
  alteredRequest,
  staleAttestation,
  concurrentReleases,
  manifestNotLogged,
  tamperedShard,
  approvalsSkipped,
  lyingServer,
  forgedNonce,
  anotherMeasurement,
  renewalAfterChange,
  deniedRequest,
  releaseNotLogged,
  anotherLog,
];
