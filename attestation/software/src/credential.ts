import { createCipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto';
import { SoftwareEvidenceError } from './errors.js';
import { softwareKeyName } from './verify.js';

/** A secret that only the holder of one software key can open: the development profile's TPM2_MakeCredential. */
export interface SoftwareCredential {
  /** Ciphertext ‖ 16-byte tag. */
  readonly credentialBlob: Uint8Array;
  /** The ephemeral public key: an uncompressed P-256 point of 65 bytes. */
  readonly encryptedSecret: Uint8Array;
}

const INFO = 'strongroom/software-credential/v1';

/**
 * Seals a secret to a node's software key: ephemeral-static ECDH on P-256; HKDF-SHA256 with salt = ephemeral point ‖
 * static SubjectPublicKeyInfo and info `strongroom/software-credential/v1` gives 32 bytes of key and 12 of nonce (the key
 * serves once); AES-256-GCM with the key's name as associated data. It shows possession of a file, never hardware.
 *
 * @param publicKeyInfo DER SubjectPublicKeyInfo of the node's P-256 key.
 * @param akName lowercase hex, `000b` ‖ SHA-256 of `publicKeyInfo`.
 * @param secret 16 to 64 bytes. The caller zeroes it.
 * @param ephemeral a fresh P-256 private key, used for this call alone.
 * @throws SoftwareEvidenceError `software-key-unsupported` when a key is not P-256, `software-key-name-mismatch` when the name is not
 *   its name, `software-expectation-malformed` when the secret is not of that size.
 */
export function sealSoftwareCredential(publicKeyInfo: Uint8Array, akName: string, secret: Uint8Array, ephemeral: KeyObject = freshKey()): SoftwareCredential {
  if (!(secret instanceof Uint8Array) || secret.length < 16 || secret.length > 64) {
    throw new SoftwareEvidenceError('software-expectation-malformed', 'secret is not 16 to 64 bytes');
  }
  const publicKey = requireP256(publicKeyInfo);
  if (akName !== softwareKeyName(publicKeyInfo)) throw new SoftwareEvidenceError('software-key-name-mismatch', 'name is not the name of this key');
  const encryptedSecret = pointOf(ephemeral);
  const shared = diffieHellman({ privateKey: ephemeral, publicKey });
  const derived = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([encryptedSecret, publicKeyInfo]), INFO, 44));
  try {
    const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32)).setAAD(Buffer.from(akName, 'hex'));
    const sealed = [cipher.update(secret), cipher.final(), cipher.getAuthTag()];
    return { credentialBlob: new Uint8Array(Buffer.concat(sealed)), encryptedSecret };
  } finally {
    shared.fill(0);
    derived.fill(0);
  }
}

function freshKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function requireP256(publicKeyInfo: Uint8Array): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' });
    // Exported again and compared: trailing bytes or another spelling would give one key two names.
    const exact = key.export({ format: 'der', type: 'spki' }).equals(publicKeyInfo);
    if (exact && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch (cause) {
    throw new SoftwareEvidenceError('software-key-unsupported', 'key is not a DER SubjectPublicKeyInfo', { cause });
  }
  throw new SoftwareEvidenceError('software-key-unsupported', 'key is not P-256 with an uncompressed point');
}

/** The last 65 bytes of a P-256 SubjectPublicKeyInfo are its uncompressed point. */
function pointOf(privateKey: KeyObject): Uint8Array {
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new SoftwareEvidenceError('software-key-unsupported', 'ephemeral key is not P-256');
  return new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-65));
}
