/** Stable reasons for a refusal. Callers switch on these; the message is for people. */
export type TlogErrorCode =
  /** Not a signed note: text, blank line, signature lines, UTF-8 without control characters. */
  | 'note-malformed'
  | 'note-too-large'
  /** No signature by a key we know. */
  | 'note-unverified'
  /** A key we know, and its signature does not hold. */
  | 'note-signature-invalid'
  /** Two different known keys share one name and key id. */
  | 'note-key-ambiguous'
  | 'vkey-malformed'
  /** A signature type this package does not verify. */
  | 'vkey-algorithm'
  /** Not an Ed25519 key of the needed half, or a key name that notes forbid. */
  | 'key-unsuitable'
  /** A verification was asked for with arguments that cannot make it safe. */
  | 'options-invalid'
  | 'checkpoint-malformed'
  | 'checkpoint-origin'
  /** The log itself did not sign. */
  | 'checkpoint-log-signature'
  /** Too few distinct witnesses. */
  | 'checkpoint-quorum'
  /** Enough witnesses, but not recently enough. */
  | 'checkpoint-stale'
  | 'merkle-range'
  | 'inclusion-invalid'
  | 'consistency-invalid'
  | 'path-malformed'
  | 'tile-malformed'
  | 'tile-missing'
  | 'bundle-malformed'
  | 'entry-too-large'
  /** The stored right edge does not hash to the root it should have. */
  | 'edge-mismatch'
  | 'proof-malformed'
  | 'policy-malformed'
  /** The policy names no usable key for this log. */
  | 'policy-log-unknown'
  | 'witness-answer-malformed'
  /** The witness answered "cosigned" without a valid cosignature by its key. */
  | 'witness-cosignature-invalid'
  | 'storage-path'
  | 'storage-too-large'
  /** The published checkpoint is not the one the caller meant to replace. */
  | 'storage-conflict'
  /** A stored tile, bundle or root is not what the entries give. */
  | 'log-corrupt';

/** Bytes of a transparency log that are malformed, forged or missing. */
export class TlogError extends Error {
  override readonly name = 'TlogError';
  constructor(
    readonly code: TlogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
