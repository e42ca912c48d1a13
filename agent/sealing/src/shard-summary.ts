import { createHash, type Hash } from 'node:crypto';

/** What one pass over a shard has shown. Digests are over whole files: all plaintext, all ciphertext with its header. */
export interface ShardSummary {
  readonly plaintextBytes: number;
  readonly ciphertextBytes: number;
  readonly plaintextDigest: `sha256:${string}`;
  readonly ciphertextDigest: `sha256:${string}`;
}

/** Both running digests of a shard. */
export class ShardDigests {
  readonly #plaintext = createHash('sha256');
  readonly #ciphertext = createHash('sha256');

  plaintext(bytes: Uint8Array): void {
    this.#plaintext.update(bytes);
  }

  ciphertext(bytes: Uint8Array): void {
    this.#ciphertext.update(bytes);
  }

  summary(plaintextBytes: number, ciphertextBytes: number): ShardSummary {
    return { plaintextBytes, ciphertextBytes, plaintextDigest: written(this.#plaintext), ciphertextDigest: written(this.#ciphertext) };
  }
}

function written(hash: Hash): `sha256:${string}` {
  return `sha256:${hash.digest('hex')}`;
}
