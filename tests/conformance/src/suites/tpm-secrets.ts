import { constants, createPrivateKey, privateDecrypt, type KeyObject } from 'node:crypto';
import { kdfa, kdfe, parsePublicArea, shareSeed, type PublicArea } from '@strongroom/attestation-tpm2';
import type { Suite, SuiteCase } from '../suite.js';
import { verdict } from '../tpm/judge.js';
import { readText } from '../vectors.js';

type HashName = PublicArea['nameAlg'];
const HASHES: Readonly<Record<number, HashName>> = { 4: 'sha1', 11: 'sha256', 12: 'sha384', 13: 'sha512' };
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Derivation {
  readonly Name: string;
  readonly HashAlg: number;
  readonly Key: string;
  readonly Z: string;
  readonly Label: string;
  readonly ContextU: string;
  readonly ContextV: string;
  readonly Bits: number;
  readonly Result: string;
}

interface Encapsulation {
  readonly Name: string;
  readonly Label: string;
  readonly PublicKey: string;
  readonly PrivateKey: string;
  readonly EphemeralPrivate: string;
  readonly Secret: string;
  readonly Ciphertext: string;
}

/** go-tpm's known answers, validated by their makers against a TPM simulator. */
export const tpmSecretsSuite: Suite = {
  name: 'tpm-key-derivation',
  folder: 'attestation/tpm/go-tpm-crypto',
  async run(folder) {
    const read = async <T>(file: string): Promise<T[]> => JSON.parse(await readText(folder, file)) as T[];
    return [
      ...(await read<Derivation>('kdfa.json')).map((each) => derivationCase('kdfa', each)),
      ...(await read<Derivation>('kdfe.json')).map((each) => derivationCase('kdfe', each)),
      ...(await read<Encapsulation>('ecc_labeled_encaps.json')).map(eccCase),
      ...(await read<Encapsulation>('rsa_labeled_encaps.json')).flatMap(rsaCases),
    ];
  },
};

function derivationCase(kdf: 'kdfa' | 'kdfe', vector: Derivation): SuiteCase {
  const hash = HASHES[vector.HashAlg] ?? 'sha256';
  const contexts = [hex(vector.ContextU), hex(vector.ContextV)] as const;
  const derive = (): Uint8Array => kdf === 'kdfa' ? kdfa(hash, hex(vector.Key), vector.Label, ...contexts, vector.Bits) : kdfe(hash, hex(vector.Z), vector.Label, ...contexts, vector.Bits);
  // A key of no bits is published as one of no bytes, and refused here.
  return { case: `${kdf} ${vector.Name}`, expected: vector.Bits === 0 ? 'refused' : vector.Result, got: vector.Bits === 0 ? refusedAsRange(derive) : text(derive()) };
}

function refusedAsRange(derive: () => unknown): string {
  try {
    derive();
    return 'derived';
  } catch (cause) {
    if (cause instanceof RangeError) return 'refused';
    throw cause;
  }
}

/** Storage keys (R) are taken, except on P-521; unrestricted keys (U) share secrets under other rules, which nothing here needs. */
const SUPPORTED = /^\d+_R_(?!P521)/;

function refusal(judge: () => unknown): string {
  const got = verdict(judge);
  return got.startsWith('tpm-') ? 'refused' : got;
}

function eccCase(vector: Encapsulation): SuiteCase {
  const share = (): string => {
    const { seed, encryptedSecret } = shareSeed(parsePublicArea(hex(vector.PublicKey)), vector.Label, () => hex(vector.EphemeralPrivate));
    return `${text(seed)} ${text(encryptedSecret)}`;
  };
  return { case: `ecc ${vector.Name}`, expected: SUPPORTED.test(vector.Name) ? `${vector.Secret} ${vector.Ciphertext}` : 'refused', got: refusal(share) };
}

/** RSA pads at random: the published ciphertext must open under our padding, and ours under the published key. */
function rsaCases(vector: Encapsulation): SuiteCase[] {
  if (!SUPPORTED.test(vector.Name)) return [{ case: `rsa ${vector.Name}`, expected: 'refused', got: refusal(() => shareSeed(parsePublicArea(hex(vector.PublicKey)), vector.Label, (size) => new Uint8Array(size))) }];
  const area = parsePublicArea(hex(vector.PublicKey));
  const key = rsaPrivateKey(area, hex(vector.PrivateKey));
  const open = (ciphertext: Uint8Array): string =>
    text(privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: area.nameAlg, oaepLabel: Buffer.from(`${vector.Label}\0`) }, ciphertext));
  const ours = shareSeed(area, vector.Label, () => hex(vector.Secret));
  return [
    { case: `rsa ${vector.Name}, theirs`, expected: vector.Secret, got: open(hex(vector.Ciphertext)) },
    { case: `rsa ${vector.Name}, ours`, expected: vector.Secret, got: open(ours.encryptedSecret) },
  ];
}

/** TPMT_SENSITIVE of an RSA key holds one prime; the rest follows from the modulus. */
function rsaPrivateKey(area: PublicArea, sensitive: Uint8Array): KeyObject {
  if (area.key.kind !== 'rsa') throw new Error('no RSA key');
  const view = Buffer.from(sensitive);
  const authSize = view.readUInt16BE(2);
  const seedAt = 4 + authSize;
  const primeAt = seedAt + 2 + view.readUInt16BE(seedAt);
  const n = BigInt(`0x${text(area.key.modulus)}`);
  const p = BigInt(`0x${text(view.subarray(primeAt + 2))}`);
  const q = n / p;
  const e = BigInt(area.key.exponent);
  const d = inverse(e, (p - 1n) * (q - 1n));
  const part = (value: bigint): string => {
    const digits = value.toString(16);
    return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex').toString('base64url');
  };
  return createPrivateKey({ key: { kty: 'RSA', n: part(n), e: part(e), d: part(d), p: part(p), q: part(q), dp: part(d % (p - 1n)), dq: part(d % (q - 1n)), qi: part(inverse(q, p)) }, format: 'jwk' });
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [old, current] = [value % modulus, modulus];
  let [oldFactor, factor] = [1n, 0n];
  while (current !== 0n) {
    const quotient = old / current;
    [old, current] = [current, old - quotient * current];
    [oldFactor, factor] = [factor, oldFactor - quotient * factor];
  }
  return ((oldFactor % modulus) + modulus) % modulus;
}
