import { createDecipheriv, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import type { ActivationChallenge } from '../collector.js';
import { CollectorError } from '../errors.js';
import type { SoftwareKey } from './software-key.js';

const POINT_BYTES = 65;
const TAG_BYTES = 16;
const MAX_SECRET_BYTES = 64;
const INFO = 'strongroom/software-credential/v1';

/**
 * Opens what `sealSoftwareCredential` sealed: ephemeral-static ECDH on P-256, HKDF-SHA256 (salt: the ephemeral point ‖ the
 * static key's SubjectPublicKeyInfo; info `strongroom/software-credential/v1`; 44 bytes: key ‖ nonce), AES-256-GCM with the
 * key's name as associated data. The counterpart of TPM2_ActivateCredential, without its hardware.
 *
 * @param challenge.encryptedSecret the ephemeral key, an uncompressed point of 65 bytes.
 * @param challenge.credentialBlob ciphertext ‖ 16-byte tag.
 * @throws CollectorError `credential-refused` whatever is wrong with it.
 */
export function openSoftwareCredential(key: SoftwareKey, challenge: ActivationChallenge): Uint8Array {
  const { credentialBlob, encryptedSecret } = challenge;
  const sized = encryptedSecret.length === POINT_BYTES && credentialBlob.length > TAG_BYTES && credentialBlob.length <= MAX_SECRET_BYTES + TAG_BYTES;
  if (!sized) throw refused();
  let shared: Buffer | undefined;
  let derived: Buffer | undefined;
  try {
    shared = diffieHellman({ privateKey: key.privateKey, publicKey: publicKeyFromPoint(encryptedSecret) });
    derived = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([encryptedSecret, key.publicKeyInfo]), INFO, 44));
    const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32));
    decipher.setAAD(Buffer.from(key.name, 'hex')).setAuthTag(credentialBlob.slice(-TAG_BYTES));
    return new Uint8Array(Buffer.concat([decipher.update(credentialBlob.slice(0, -TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    throw refused(cause);
  } finally {
    shared?.fill(0);
    derived?.fill(0);
  }
}

function publicKeyFromPoint(point: Uint8Array): ReturnType<typeof createPublicKey> {
  if (point[0] !== 0x04) throw new RangeError('not an uncompressed point');
  const x = Buffer.from(point.slice(1, 33)).toString('base64url');
  const y = Buffer.from(point.slice(33)).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
}

function refused(cause?: unknown): CollectorError {
  return new CollectorError('credential-refused', 'the credential is not for this software key', { cause });
}
