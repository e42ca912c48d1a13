import { createPrivateKey, createPublicKey, type webcrypto } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import { canonicalBytes, digestOf, fromBase64url, toBase64url, type Digest } from '@strongroom/attestation-encoding';
import { z } from 'zod';
import { ContractError } from './errors.js';
import { bytes } from './scalars.js';

/** The opening half. The public key travels with it: decapsulation needs it, and a private key that cannot be exported does not give it. */
export type TransportPrivateKey = Readonly<webcrypto.CryptoKeyPair>;

/** RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

/** An HPKE message to one recipient: `enc` is the encapsulated key, `ciphertext` ends with the tag. */
export const sealedMessageSchema = z.strictObject({ enc: bytes(32, 32), ciphertext: bytes(17, 4096) });
export type SealedMessage = z.infer<typeof sealedMessageSchema>;

/** An X25519 key pair; the private half cannot be exported unless asked for. */
export interface TransportKeyPair {
  /** Raw 32 bytes, base64url. */
  readonly publicKey: string;
  /** `sha256:<hex>` over the DER SubjectPublicKeyInfo. */
  readonly digest: Digest;
  readonly privateKey: TransportPrivateKey;
}

// RFC 8410: SubjectPublicKeyInfo of X25519 is this prefix and the raw key.
const X25519_SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/** Digest of a raw X25519 public key's SubjectPublicKeyInfo: how evidence and release entries name a transport key. */
export function transportKeyDigest(publicKey: string): Digest {
  return digestOf(Buffer.concat([X25519_SPKI_PREFIX, fromBase64url(publicKey, 32)]));
}

export async function generateTransportKey(extractable = false): Promise<TransportKeyPair> {
  const pair = await suite.GenerateKeyPair(extractable);
  const publicKey = toBase64url(await suite.SerializePublicKey(pair.publicKey));
  return { publicKey, digest: transportKeyDigest(publicKey), privateKey: pair };
}

/** The raw 32 bytes of an exportable private key; the caller zeroes them. */
export async function exportTransportKey({ privateKey }: TransportPrivateKey): Promise<Uint8Array> {
  return suite.SerializePrivateKey(privateKey);
}

// RFC 8410: PKCS #8 of X25519 is this prefix and the raw key.
const X25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Reads a raw 32-byte private key; what comes back cannot be exported. */
export async function importTransportKey(raw: Uint8Array): Promise<TransportPrivateKey> {
  const der = Buffer.concat([X25519_PKCS8_PREFIX, raw]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  der.fill(0);
  const publicKey = await suite.DeserializePublicKey(fromBase64url(x, 32));
  return { privateKey: await suite.DeserializePrivateKey(raw, false), publicKey };
}

/**
 * Seals `plaintext` to a raw X25519 public key.
 * @param info what the message is for: bound as the RFC 8785 form of a plain object.
 * @param aad bound beside it.
 */
export async function sealTo(publicKey: string, plaintext: Uint8Array, info: unknown, aad: Uint8Array): Promise<SealedMessage> {
  const key = await suite.DeserializePublicKey(fromBase64url(publicKey, 32));
  const { encapsulatedSecret, ciphertext } = await suite.Seal(key, plaintext, { info: canonicalBytes(info), aad });
  return { enc: toBase64url(encapsulatedSecret), ciphertext: toBase64url(ciphertext) };
}

/**
 * Opens a message; any difference in recipient, `info` or `aad` fails alike.
 * @throws ContractError `hpke-open`
 */
export async function openFrom(privateKey: TransportPrivateKey, message: SealedMessage, info: unknown, aad: Uint8Array): Promise<Uint8Array> {
  try {
    return await suite.Open(privateKey, fromBase64url(message.enc, 32), fromBase64url(message.ciphertext, 4096), { info: canonicalBytes(info), aad });
  } catch (cause) {
    throw new ContractError('hpke-open', 'the message was sealed for another recipient, release or shard', { cause });
  }
}
