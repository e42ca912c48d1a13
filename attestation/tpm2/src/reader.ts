import { Tpm2Error, type Tpm2ErrorCode } from './errors.js';

/** Reads the TPM's big-endian structures. Every read is bounded by what is there; nothing is allocated from a length field. */
export class TpmReader {
  #offset = 0;

  /**
   * @param maxBytes bound on the whole structure.
   * @param code the code of every failure, since the same primitive means different trouble in different structures.
   */
  constructor(
    private readonly bytes: Uint8Array,
    maxBytes: number,
    private readonly code: Tpm2ErrorCode,
  ) {
    if (bytes.length > maxBytes) throw this.fail(`${bytes.length} bytes; at most ${maxBytes}`);
  }

  get remaining(): number {
    return this.bytes.length - this.#offset;
  }

  uint8(): number {
    return this.#number(1);
  }

  uint16(): number {
    return this.#number(2);
  }

  uint32(): number {
    return this.#number(4);
  }

  uint64(): bigint {
    return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32());
  }

  take(length: number): Uint8Array {
    if (length > this.remaining) throw this.fail('structure is cut short');
    const slice = this.bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return slice;
  }

  /** A TPM2B: 16-bit size, then that many bytes. */
  sized(maxBytes: number): Uint8Array {
    const size = this.uint16();
    if (size > maxBytes) throw this.fail(`field of ${size} bytes; at most ${maxBytes}`);
    return this.take(size);
  }

  /** Nothing may follow: bytes outside the structure are not covered by what it says of itself. */
  end(code: Tpm2ErrorCode = this.code): void {
    if (this.remaining > 0) throw new Tpm2Error(code, `${this.remaining} bytes after the structure`);
  }

  fail(message: string): Tpm2Error {
    return new Tpm2Error(this.code, message);
  }

  #number(size: number): number {
    return this.take(size).reduce((value, octet) => value * 256 + octet, 0);
  }
}
