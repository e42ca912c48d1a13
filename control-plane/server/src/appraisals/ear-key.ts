import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { digestOf } from '@strongroom/attestation-encoding';
import { StrongroomError } from '../platform/errors.js';

/** The key that signs attestation results, and the id it is known by. */
export class EarKey {
  private constructor(
    readonly privateKey: KeyObject,
    readonly keyId: string,
  ) {}

  /** @throws StrongroomError `config-invalid` */
  static load(path: string): EarKey {
    try {
      if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path} can be read by others; make it 0600`);
      const privateKey = createPrivateKey(readFileSync(path));
      if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error(`${path} is not a P-256 key`);
      const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
      return new EarKey(privateKey, digestOf(new Uint8Array(spki)));
    } catch (cause) {
      throw new StrongroomError('config-invalid', `the key for attestation results cannot be used: ${cause instanceof Error ? cause.message : ''}`, { cause });
    }
  }
}
