import { constants, createCipheriv, createECDH, createHash, createHmac, publicEncrypt, randomBytes } from 'node:crypto';
import { parsePublicArea, publicKeyOf } from '../tpm/public-area.js';

type Hash = 'sha256' | 'sha384';

/** TPM2_MakeCredential without a TPM, for tests: the other side of activation. See TPM 2.0 Library, Part 1, "Credential Protection". */
export function makeCredential(ekPublic: Uint8Array, akName: string, secret: Uint8Array): { credentialBlob: Uint8Array; encryptedSecret: Uint8Array } {
  const area = parsePublicArea(ekPublic);
  const hash: Hash = area.nameAlgorithm === 0x000c ? 'sha384' : 'sha256';
  const bits = hash === 'sha384' ? 384 : 256;
  const { seed, encryptedSecret } = area.key.type === 'rsa' ? rsaSeed() : eccSeed(area.key.x, area.key.y);
  const name = Buffer.from(akName, 'hex');
  const aesBits = hash === 'sha384' ? 256 : 128;
  const cipher = createCipheriv(`aes-${aesBits}-cfb`, kdfa(hash, seed, 'STORAGE', name, aesBits), Buffer.alloc(16));
  const encrypted = Buffer.concat([cipher.update(sized(secret)), cipher.final()]);
  const integrity = createHmac(hash, kdfa(hash, seed, 'INTEGRITY', Buffer.alloc(0), bits)).update(encrypted).update(name).digest();
  return { credentialBlob: sized(Buffer.concat([sized(integrity), encrypted])), encryptedSecret: sized(encryptedSecret) };

  function rsaSeed(): { seed: Buffer; encryptedSecret: Buffer } {
    const fresh = randomBytes(bits / 8);
    const options = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash, oaepLabel: Buffer.from('IDENTITY\0') };
    return { seed: fresh, encryptedSecret: publicEncrypt({ key: publicKeyOf(area), ...options }, fresh) };
  }

  function eccSeed(x: Uint8Array, y: Uint8Array): { seed: Buffer; encryptedSecret: Buffer } {
    const size = hash === 'sha384' ? 48 : 32;
    const ecdh = createECDH(size === 48 ? 'secp384r1' : 'prime256v1');
    const ours = ecdh.generateKeys();
    const [ourX, ourY] = [ours.subarray(1, 1 + size), ours.subarray(1 + size)];
    const z = ecdh.computeSecret(Buffer.concat([Buffer.of(4), x, y]));
    const shared = createHash(hash).update(counter(1)).update(z).update('IDENTITY\0').update(ourX).update(x).digest();
    return { seed: shared, encryptedSecret: Buffer.concat([sized(ourX), sized(ourY)]) };
  }
}

/** One round of KDFa is enough: no key here is longer than its hash. */
function kdfa(hash: Hash, key: Buffer, label: string, context: Buffer, bits: number): Buffer {
  return createHmac(hash, key).update(counter(1)).update(`${label}\0`).update(context).update(counter(bits)).digest().subarray(0, bits / 8);
}

function counter(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function sized(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}
