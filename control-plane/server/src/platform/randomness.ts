import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';
import type { Clock } from './clock.js';

/** The one source of randomness. Tests give a seeded one. */
export abstract class Randomness {
  readonly #ids: V7Generator;

  constructor(private readonly clock: Clock) {
    this.#ids = new V7Generator({ nextUint32: () => Buffer.from(this.bytes(4)).readUInt32BE() });
  }

  /** `length` unpredictable bytes. */
  abstract bytes(length: number): Uint8Array;

  /** A UUIDv7 (RFC 9562) by our clock; later ones of one process sort later. */
  uuid(): string {
    return this.#ids.generateOrResetWithTs(this.clock.now().getTime()).toString();
  }
}

export class SystemRandomness extends Randomness {
  override bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length));
  }
}
