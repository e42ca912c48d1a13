import { fromBase64url } from '@strongroom/attestation-encoding';
import { parseVkey, TlogError, verifyTlogProof, type NoteVerifier, type VerifiedCheckpoint, type WitnessPolicy } from '@strongroom/attestation-tlog';
import type { Anchors } from './anchors.js';
import { ContractError } from './errors.js';
import type { ProvenEntry } from './release-material.js';
import { MAX_ENTRY_BYTES } from './log-entry.js';

/** A log entry whose inclusion under a signed (and, where asked, witnessed) checkpoint is proven. */
export interface ProvenLogEntry {
  readonly entry: Uint8Array;
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly checkpoint: VerifiedCheckpoint;
}

/** What the anchors say of the log: whose signature, and which witnesses. */
export interface LogTrust {
  readonly origin: string;
  readonly log: NoteVerifier;
  readonly witnesses?: WitnessPolicy;
  readonly maxCosignatureAgeSeconds?: number;
}

/** @throws ContractError `anchors-untrusted` where a key is not one we can verify with, or stands for two. */
export function logTrust(anchors: Anchors): LogTrust {
  const verifierOf = (vkey: string): NoteVerifier => {
    const verifier = parse(vkey);
    if (verifier === undefined) throw new ContractError('anchors-untrusted', 'the anchors name a log or witness key that cannot be used');
    return verifier;
  };
  const log = verifierOf(anchors.log.vkey);
  const { quorum, vkeys, max_age_seconds } = anchors.witnesses;
  if (quorum === 0) return { origin: anchors.log.origin, log };
  const witnesses = vkeys.map((vkey, position) => ({ name: `w${position}`, vkey, verifier: verifierOf(vkey) }));
  // By key, not by name: one witness under two names, or the log under a third, would be a quorum of its own.
  const keys = [log, ...witnesses.map(({ verifier }) => verifier)].map(({ publicKey }) => Buffer.from(publicKey).toString('hex'));
  if (new Set(keys).size !== keys.length) throw new ContractError('anchors-untrusted', 'the anchors name one key as two of log and witnesses');
  return {
    origin: anchors.log.origin,
    log,
    witnesses: {
      logs: [{ vkey: anchors.log.vkey, verifier: log }],
      witnesses,
      quorum: { kind: 'group', name: 'quorum', threshold: quorum, members: witnesses.map((witness) => ({ kind: 'witness', witness })) },
    },
    maxCosignatureAgeSeconds: max_age_seconds,
  };
}

function parse(vkey: string): NoteVerifier | undefined {
  try {
    return parseVkey(vkey);
  } catch {
    return undefined;
  }
}

/**
 * Verifies that the log the anchors name holds this entry, under a checkpoint the witness quorum cosigned lately.
 * @throws ContractError `log-proof` | `log-witnesses` | `anchors-untrusted`
 */
export function verifyProvenEntry(proven: ProvenEntry, anchors: Anchors, now: Date): ProvenLogEntry {
  const entry = fromBase64url(proven.entry, MAX_ENTRY_BYTES);
  try {
    const { index, leafHash, checkpoint } = verifyTlogProof({ proof: proven.proof, entry, ...logTrust(anchors), now });
    return { entry, index, leafHash, checkpoint };
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    const witnesses = cause.code === 'checkpoint-quorum' || cause.code === 'checkpoint-stale';
    throw new ContractError(witnesses ? 'log-witnesses' : 'log-proof', `log proof: ${cause.message}`, { cause });
  }
}

/** Two proofs under one checkpoint: otherwise each could be of its own fork. */
export function sameCheckpoint(a: ProvenLogEntry, b: ProvenLogEntry): boolean {
  return a.checkpoint.size === b.checkpoint.size && Buffer.from(a.checkpoint.rootHash).equals(b.checkpoint.rootHash);
}
