import { constants, createCipheriv, createECDH, createHmac, publicEncrypt } from 'node:crypto';
import { coordinateSize, hashSize, type CurveName } from './algorithms.js';
import { requireEndorsementKey } from './endorsement-key.js';
import { Tpm2Error } from './errors.js';
import { kdfa, kdfe } from './kdf.js';
import { nameSize, publicKeyOf, type PublicArea } from './public-area.js';

export interface CredentialInput {
  /** TPMT_PUBLIC of the endorsement key. */
  readonly ekPublic: Uint8Array;
  /** TPM name of the attestation key, lowercase hex: only a TPM that holds both keys will open the credential. */
  readonly akName: string;
  /** 16 bytes up to the digest size of the EK's name algorithm. The caller zeroes it. */
  readonly secret: Uint8Array;
  /** Cryptographically strong bytes, e.g. `randomBytes`. RSA padding draws on the runtime's own source besides. */
  readonly random: (size: number) => Uint8Array;
}

export interface Credential {
  /** TPM2B_ID_OBJECT for TPM2_ActivateCredential. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET for the same. */
  readonly encryptedSecret: Uint8Array;
}

const AK_NAME = /^000[bcd]([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/;
const CURVES: Readonly<Record<CurveName, string>> = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };

/**
 * Makes a challenge that only the TPM with this EK, holding a key of this name, can answer: TPM2_MakeCredential without a TPM.
 * Says nothing of whether the EK is genuine: see `verifyEndorsement`.
 *
 * @throws Tpm2Error `tpm-credential-malformed` | `tpm-public-*` | `tpm-ek-attributes`
 * @see TPM 2.0 Library, Part 1, section 24 (credential protection)
 */
export function makeCredential(input: CredentialInput): Credential {
  const ek = requireEndorsementKey(input.ekPublic);
  if (!AK_NAME.test(input.akName)) throw new Tpm2Error('tpm-credential-malformed', 'AK name is not a TPM name');
  if (!(input.secret instanceof Uint8Array) || input.secret.length < 16 || input.secret.length > nameSize(ek)) {
    throw new Tpm2Error('tpm-credential-malformed', 'secret is not 16 bytes up to the digest size');
  }
  const { seed, encryptedSecret } = shareSeed(ek, 'IDENTITY', input.random);
  try {
    return { credentialBlob: sealSecret(ek, seed, Buffer.from(input.akName, 'hex'), input.secret), encryptedSecret: sized(encryptedSecret) };
  } finally {
    seed.fill(0);
  }
}

interface SharedSeed {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** Labelled secret sharing with a storage key (Part 1, annex B.10.3 for RSA, C.6.3 for ECC). The caller zeroes the seed. @throws Tpm2Error `tpm-ek-attributes` | `tpm-public-malformed` | `tpm-credential-malformed` */
export function shareSeed(ek: PublicArea, label: string, random: (size: number) => Uint8Array): SharedSeed {
  // A key bound to a scheme shares secrets under that scheme's hash, not its name's; no storage key is.
  if (ek.scheme !== null) throw new Tpm2Error('tpm-ek-attributes', 'secrets are shared with storage keys alone');
  if (ek.key.kind === 'ecc') return shareEccSeed(ek, ek.key, label, random(coordinateSize(ek.key.curve)));
  const seed = random(nameSize(ek));
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: ek.nameAlg, oaepLabel: Buffer.from(`${label}\0`) };
  return { seed, encryptedSecret: new Uint8Array(publicEncrypt({ key: publicKeyOf(ek), ...padding }, seed)) };
}

function shareEccSeed(ek: PublicArea, key: Extract<PublicArea['key'], { kind: 'ecc' }>, label: string, ephemeral: Uint8Array): SharedSeed {
  publicKeyOf(ek); // Refuses a point off the curve before our ephemeral key meets it.
  const ecdh = createECDH(CURVES[key.curve]);
  const size = coordinateSize(key.curve);
  try {
    ecdh.setPrivateKey(ephemeral);
  } catch (cause) {
    throw new Tpm2Error('tpm-credential-malformed', 'ephemeral key is out of range; draw again', { cause });
  } finally {
    ephemeral.fill(0);
  }
  const ours = ecdh.getPublicKey(); // 04 ‖ x ‖ y
  const z = ecdh.computeSecret(Buffer.concat([Uint8Array.of(4), key.x, key.y]));
  const seed = kdfe(ek.nameAlg, z, label, ours.subarray(1, 1 + size), key.x, hashSize(ek.nameAlg) * 8);
  z.fill(0);
  return { seed, encryptedSecret: concat(sized(ours.subarray(1, 1 + size)), sized(ours.subarray(1 + size))) };
}

/** Encrypt, then HMAC over ciphertext and name: the name is what ties the secret to one attestation key. */
function sealSecret(ek: PublicArea, seed: Uint8Array, name: Uint8Array, secret: Uint8Array): Uint8Array {
  const none = new Uint8Array();
  const keyBits = ek.symmetric?.keyBits ?? 128;
  const symmetricKey = kdfa(ek.nameAlg, seed, 'STORAGE', name, none, keyBits);
  const hmacKey = kdfa(ek.nameAlg, seed, 'INTEGRITY', none, none, nameSize(ek) * 8);
  const plain = sized(secret);
  try {
    const cipher = createCipheriv(`aes-${keyBits}-cfb`, symmetricKey, new Uint8Array(16));
    const encrypted = concat(cipher.update(plain), cipher.final());
    const integrity = createHmac(ek.nameAlg, hmacKey).update(encrypted).update(name).digest();
    return sized(concat(sized(integrity), encrypted));
  } finally {
    for (const buffer of [symmetricKey, hmacKey, plain]) buffer.fill(0);
  }
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
