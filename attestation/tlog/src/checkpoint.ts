import { parseCheckpoint, type Checkpoint } from './checkpoint-text.js';
import { TlogError } from './errors.js';
import { openNote, type OpenedNote, type VerifiedSignature } from './note.js';
import type { NoteVerifier } from './vkey.js';
import { isQuorumMet, policyVerifiers, type WitnessPolicy } from './witness-policy.js';

declare const verified: unique symbol;

/** A checkpoint that the log signed and, where asked, a quorum of witnesses cosigned. Only `verifyCheckpoint` makes one. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly [verified]: true;
  /** The note as it was verified. */
  readonly note: Uint8Array;
  /** One for each distinct witness of the policy whose cosignature held, stale ones left out. */
  readonly cosignatures: readonly CheckpointCosignature[];
}

export interface CheckpointCosignature {
  /** The witness's key name. */
  readonly name: string;
  readonly vkey: string;
  /** Seconds since the epoch, by the witness's clock. */
  readonly timeSeconds: number;
}

export interface CheckpointTrust {
  readonly origin: string;
  /** The log's key, type Ed25519. */
  readonly log: NoteVerifier;
  /** Absent: nobody but the log is asked. The policy's `logs` are not looked at here; see `policyLog`. */
  readonly witnesses?: WitnessPolicy;
  /** Needed for `maxCosignatureAgeSeconds`. When given, cosignatures from the future do not count. */
  readonly now?: Date;
  /** Cosignatures older than this do not count. Refused without `now` or without a witness quorum, since nothing else tells the age. */
  readonly maxCosignatureAgeSeconds?: number;
  /** How far a witness's clock may run ahead of ours. Default 60. */
  readonly maxClockSkewSeconds?: number;
}

/**
 * Verifies that `trust.log` signed this checkpoint for `trust.origin`, and that the quorum of `trust.witnesses` cosigned it.
 * Does not compare it with any checkpoint seen before: that is `verifyConsistency`.
 *
 * @throws TlogError the codes of `openNote` | `checkpoint-malformed` | `checkpoint-origin` | `checkpoint-log-signature` |
 *   `checkpoint-quorum` | `checkpoint-stale` | `options-invalid`
 * @see c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature
 */
export function verifyCheckpoint(note: Uint8Array, trust: CheckpointTrust): VerifiedCheckpoint {
  requireOptions(trust);
  const opened = openNote(note, [trust.log, ...(trust.witnesses === undefined ? [] : policyVerifiers(trust.witnesses))]);
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== trust.origin) throw new TlogError('checkpoint-origin', 'a checkpoint of another log');
  if (!opened.signatures.some((signature) => signature.verifier.vkey === trust.log.vkey)) {
    throw new TlogError('checkpoint-log-signature', 'the log did not sign this checkpoint');
  }
  const cosignatures = requireQuorum(opened, trust);
  // The only place where the brand is given.
  return { ...checkpoint, note: note.slice(), cosignatures } as unknown as VerifiedCheckpoint;
}

function requireQuorum(opened: OpenedNote, trust: CheckpointTrust): CheckpointCosignature[] {
  const { witnesses } = trust;
  if (witnesses === undefined) return [];
  const all = opened.signatures.flatMap((signature) => cosignatureOf(signature));
  const fresh = all.filter(({ timeSeconds }) => isFresh(timeSeconds, trust));
  if (!isQuorumMet(witnesses.quorum, vkeysOf(fresh))) {
    if (isQuorumMet(witnesses.quorum, vkeysOf(all))) throw new TlogError('checkpoint-stale', 'cosignatures are too old, or from the future');
    throw new TlogError('checkpoint-quorum', 'too few witnesses cosigned this checkpoint');
  }
  return fresh;
}

function cosignatureOf({ verifier, timeSeconds }: VerifiedSignature): CheckpointCosignature[] {
  return timeSeconds === undefined ? [] : [{ name: verifier.name, vkey: verifier.vkey, timeSeconds }];
}

function vkeysOf(cosignatures: readonly CheckpointCosignature[]): Set<string> {
  return new Set(cosignatures.map(({ vkey }) => vkey));
}

function isFresh(timeSeconds: number, trust: CheckpointTrust): boolean {
  if (trust.now === undefined) return true;
  const age = Math.floor(trust.now.getTime() / 1000) - timeSeconds;
  return age >= -(trust.maxClockSkewSeconds ?? 60) && age <= (trust.maxCosignatureAgeSeconds ?? Infinity);
}

function requireOptions(trust: CheckpointTrust): void {
  if (trust.log.type !== 'ed25519') throw new TlogError('options-invalid', 'the key of a log is of type Ed25519');
  if (trust.now !== undefined && Number.isNaN(trust.now.getTime())) throw new TlogError('options-invalid', 'now is no instant');
  const maxAge = trust.maxCosignatureAgeSeconds;
  if (maxAge === undefined) return;
  if (!Number.isFinite(maxAge) || maxAge < 0) throw new TlogError('options-invalid', 'the greatest age is a number of seconds');
  if (trust.now === undefined) throw new TlogError('options-invalid', 'an age cannot be judged without now');
  if (trust.witnesses === undefined || trust.witnesses.quorum.kind === 'none') {
    throw new TlogError('options-invalid', 'only witnesses state a time, and none are asked for');
  }
}
