import { CollectorError } from '../errors.js';

/** Big-endian writer for command parameters. Sizes are checked when the command is assembled. */
export class TpmWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  u16(value: number): this {
    const part = new Uint8Array(2);
    new DataView(part.buffer).setUint16(0, value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value);
    return this.bytes(part);
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  /** A TPM2B: two bytes of size, then the bytes. */
  sized(value: Uint8Array): this {
    if (value.length > 0xffff) throw new CollectorError('tpm-command-too-large', 'a TPM2B holds at most 65535 bytes');
    return this.u16(value.length).bytes(value);
  }

  finish(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}

/** Bounded big-endian reader: never reads or copies past what was received. */
export class TpmReader {
  #at = 0;
  readonly #view: DataView;

  constructor(private readonly source: Uint8Array) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get remaining(): number {
    return this.source.length - this.#at;
  }

  get position(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** A copy of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.source.slice(start, start + length);
  }

  /** The contents of a TPM2B of at most `maxBytes`. */
  sized(maxBytes: number): Uint8Array {
    const length = this.u16();
    if (length > maxBytes) throw malformed(`a field of ${length} bytes, at most ${maxBytes} were expected`);
    return this.bytes(length);
  }

  /** The bytes from `start` to here, as received. */
  since(start: number): Uint8Array {
    return this.source.slice(start, this.#at);
  }

  /** @throws CollectorError when something is left over: a response is read to its last byte. */
  end(): void {
    if (this.remaining !== 0) throw malformed(`${this.remaining} bytes too many`);
  }

  #take(length: number): number {
    if (length > this.remaining) throw malformed('shorter than its own sizes say');
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

export function malformed(message: string, options?: ErrorOptions): CollectorError {
  return new CollectorError('tpm-response-malformed', `TPM response: ${message}`, options);
}
