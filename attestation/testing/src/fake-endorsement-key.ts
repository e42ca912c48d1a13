import { constants, createDecipheriv, createECDH, createHash, createHmac, generateKeyPairSync, privateDecrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { attributeBits, objectName, tpm2b, u16, u32, TPM_IDS, type AttributeName } from './tpm-structures.js';

export type FakeEndorsementKind = 'rsa-2048' | 'rsa-3072' | 'ecc-p256' | 'ecc-p384';

export interface FakeEndorsementOptions {
  readonly attributes?: readonly AttributeName[];
  /** False: no symmetric cipher, so not a storage key. */
  readonly symmetric?: boolean;
}

const EK_ATTRIBUTES: readonly AttributeName[] = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'adminWithPolicy', 'restricted', 'decrypt'];
const KINDS = {
  'rsa-2048': { curve: null, ecdh: '', curveId: 0, bits: 2048, hash: 'sha256', keyBits: 128 },
  'rsa-3072': { curve: null, ecdh: '', curveId: 0, bits: 3072, hash: 'sha384', keyBits: 256 },
  'ecc-p256': { curve: 'P-256', ecdh: 'prime256v1', curveId: 3, bits: 256, hash: 'sha256', keyBits: 128 },
  'ecc-p384': { curve: 'P-384', ecdh: 'secp384r1', curveId: 4, bits: 384, hash: 'sha384', keyBits: 256 },
} as const;

/** A throw-away endorsement key that activates credentials as a TPM does, with its own derivation code: a second opinion on `makeCredential`. */
export class FakeEndorsementKey {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(
    readonly kind: FakeEndorsementKind = 'ecc-p256',
    options: FakeEndorsementOptions = {},
  ) {
    const { curve, bits } = KINDS[kind];
    const pair = curve === null ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ec', { namedCurve: curve });
    this.#privateKey = pair.privateKey;
    this.publicKey = pair.publicKey;
    this.publicArea = new Uint8Array(writePublicArea(kind, pair.publicKey, options));
  }

  get name(): string {
    return objectName(this.publicArea, KINDS[this.kind].hash).toString('hex');
  }

  /**
   * TPM2_ActivateCredential: opens the credential if it was made for this EK and for a key of `akName`.
   * @throws Error 'integrity' as a TPM answers TPM_RC_INTEGRITY
   */
  activateCredential(akName: string, credentialBlob: Uint8Array, encryptedSecret: Uint8Array): Uint8Array {
    const { hash, keyBits } = KINDS[this.kind];
    const name = Buffer.from(akName, 'hex');
    const seed = this.#openSeed(unwrap(encryptedSecret));
    const size = createHash(hash).digest().length;
    const blob = unwrap(credentialBlob);
    const integrity = blob.subarray(2, 2 + size);
    const encrypted = blob.subarray(2 + size);
    const hmacKey = kdfa(hash, seed, 'INTEGRITY', Buffer.alloc(0), size * 8);
    if (!timingSafeEqual(createHmac(hash, hmacKey).update(encrypted).update(name).digest(), integrity)) throw new Error('integrity');
    const decipher = createDecipheriv(`aes-${keyBits}-cfb`, kdfa(hash, seed, 'STORAGE', name, keyBits), Buffer.alloc(16));
    return unwrap(Buffer.concat([decipher.update(encrypted), decipher.final()]));
  }

  #openSeed(secret: Uint8Array): Buffer {
    const { curve, ecdh, hash, bits } = KINDS[this.kind];
    if (curve === null) {
      return privateDecrypt({ key: this.#privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash, oaepLabel: Buffer.from('IDENTITY\0') }, secret);
    }
    const size = bits / 8;
    const x = secret.subarray(2, 2 + size);
    const y = secret.subarray(4 + size);
    const jwk = this.#privateKey.export({ format: 'jwk' });
    const ours = createECDH(ecdh);
    ours.setPrivateKey(Buffer.from(jwk.d ?? '', 'base64url'));
    const z = ours.computeSecret(Buffer.concat([Buffer.from([4]), x, y]));
    const input = Buffer.concat([u32(1), z, Buffer.from('IDENTITY\0'), x, Buffer.from(jwk.x ?? '', 'base64url')]);
    return createHash(hash).update(input).digest();
  }
}

/** One block is enough for every key derived here. */
function kdfa(hash: string, key: Uint8Array, label: string, context: Uint8Array, bits: number): Buffer {
  return createHmac(hash, key).update(Buffer.concat([u32(1), Buffer.from(`${label}\0`), context, u32(bits)])).digest().subarray(0, bits / 8);
}

function unwrap(bytes: Uint8Array): Buffer {
  const buffer = Buffer.from(bytes);
  const size = buffer.readUInt16BE(0);
  if (size !== buffer.length - 2) throw new Error('size');
  return buffer.subarray(2);
}

function writePublicArea(kind: FakeEndorsementKind, publicKey: KeyObject, options: FakeEndorsementOptions): Buffer {
  const { curve, curveId, bits, hash, keyBits } = KINDS[kind];
  const jwk = publicKey.export({ format: 'jwk' });
  const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  const symmetric = options.symmetric === false ? [u16(0x0010)] : [u16(0x0006), u16(keyBits), u16(0x0043)];
  const key = curve === null ? [u16(bits), u32(0), tpm2b(part(jwk.n))] : [u16(curveId), u16(0x0010), tpm2b(part(jwk.x)), tpm2b(part(jwk.y))];
  return Buffer.concat([
    u16(curve === null ? 0x0001 : 0x0023), u16(TPM_IDS[hash]), u32(attributeBits(options.attributes ?? EK_ATTRIBUTES)),
    tpm2b(createHash(hash).update('fake endorsement policy').digest()), ...symmetric, u16(0x0010), ...key,
  ]);
}
