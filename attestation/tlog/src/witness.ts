import { parseCheckpoint, type Checkpoint } from './checkpoint-text.js';
import { TlogError } from './errors.js';
import { equalHashes, verifyGrowth } from './merkle.js';
import { openNote, splitNote } from './note.js';
import type { NoteVerifier } from './vkey.js';
import { parseAddCheckpoint, type AddCheckpointRequest } from './witness-request.js';

/** What a witness remembers of one log: the last checkpoint it cosigned. */
export type WitnessedTree = Pick<Checkpoint, 'size' | 'rootHash'>;

export type WitnessVerdict =
  /** Persist `tree` in the same transaction as the check, and only then cosign `checkpoint`. */
  | { readonly status: 200; readonly origin: string; readonly tree: WitnessedTree; readonly checkpoint: Uint8Array }
  /** `size` goes into the body, as `text/x.tlog.size`. */
  | { readonly status: 409; readonly size: bigint }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

export interface WitnessedLogs {
  /** The keys trusted for a log, or `undefined` for an unknown log. */
  keysOf(origin: string): readonly NoteVerifier[] | undefined;
  /** The last checkpoint cosigned for it, or `undefined`. */
  latestOf(origin: string): WitnessedTree | undefined;
}

/**
 * The judgement of a witness on one `add-checkpoint` request: pure, so the caller must make check and persist one transaction, or
 * two requests at once could roll the log back.
 *
 * @see c2sp.org/tlog-witness#add-checkpoint
 */
export function answerAddCheckpoint(body: Uint8Array, logs: WitnessedLogs): WitnessVerdict {
  let request: AddCheckpointRequest;
  let checkpoint: Checkpoint;
  try {
    request = parseAddCheckpoint(body);
    checkpoint = parseCheckpoint(splitNote(request.checkpoint).text);
  } catch (cause) {
    return refusal(400, cause);
  }
  const keys = logs.keysOf(checkpoint.origin);
  if (keys === undefined) return { status: 404, reason: 'unknown log' };
  try {
    // Signature lines that cannot be read are signatures that do not verify.
    openNote(request.checkpoint, keys);
  } catch (cause) {
    return refusal(403, cause);
  }
  if (request.oldSize > checkpoint.size) return { status: 400, reason: 'old size is above the checkpoint size' };
  const latest = logs.latestOf(checkpoint.origin) ?? { size: 0n, rootHash: undefined };
  if (request.oldSize !== latest.size) return { status: 409, size: latest.size };
  return judgeGrowth(request, checkpoint, latest.rootHash ?? checkpoint.rootHash);
}

function judgeGrowth(request: AddCheckpointRequest, checkpoint: Checkpoint, oldRootHash: Uint8Array): WitnessVerdict {
  if (request.oldSize === checkpoint.size && request.oldSize > 0n && !equalHashes(oldRootHash, checkpoint.rootHash)) {
    return { status: 422, reason: 'another root hash at the same size' };
  }
  try {
    verifyGrowth({ ...request, newSize: checkpoint.size, oldRootHash, newRootHash: checkpoint.rootHash });
  } catch (cause) {
    return refusal(422, cause);
  }
  const { origin, size, rootHash } = checkpoint;
  return { status: 200, origin, tree: { size, rootHash }, checkpoint: request.checkpoint };
}

function refusal(status: 400 | 403 | 422, cause: unknown): WitnessVerdict {
  if (!(cause instanceof TlogError)) throw cause;
  return { status, reason: cause.message };
}
