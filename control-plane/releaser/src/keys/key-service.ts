import type { SealedMessage, ShardKeyContext } from '@strongroom/control-plane-contract';

/** Names a key-encryption key, as the manifest does. */
export interface KekName {
  readonly enclave: string;
  readonly kek: string;
}

/** The encrypt-only half of a key-encryption key, in the form the anchors carry it. */
export interface KekPublicKey extends KekName {
  /** Raw X25519, base64url. */
  readonly public_key: string;
}

/**
 * Unwraps shard keys; the releaser is its only principal (protocol rule 1).
 *
 * Durability: an adapter keeps nothing of a call. Concurrency: calls may overlap. Retry: unwrapping is idempotent, so a caller may ask
 * again after any failure. Consistency: a key wrapped under one context never opens under another, and a failed call gives no bytes.
 */
export interface KeyService {
  /** For status and logs, e.g. `development key store`. */
  readonly description: string;
  /** What the anchors' `key_service` must equal. */
  publicKeys(): Promise<readonly KekPublicKey[]>;
  /**
   * @returns the 32-byte shard key in a buffer of the caller's own, who zeroes it.
   * @throws ReleaserError `key-unknown` | `key-refused`; anything else means the service could not be asked, and may be retried.
   */
  unwrap(wrapped: SealedMessage, context: ShardKeyContext, kek: KekName): Promise<Uint8Array>;
  /** Forgets its keys. Every later call fails. */
  close(): Promise<void>;
}
