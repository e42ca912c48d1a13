import { constants, createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import type { PcrBank, Tpm2Evidence } from '@strongroom/attestation-model';
import { attributeBits, objectName, pcrSelection, tpm2b, u16, u32, u64, u8, TPM_IDS, type AttributeName } from './tpm-structures.js';

export type FakeKeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'rsassa' | 'rsapss';

/** What to do differently from a genuine TPM. Everything absent: a statement that verifies. */
export interface AttestKnobs {
  readonly magic?: number;
  readonly type?: number;
  readonly clockMs?: bigint;
  readonly resetCount?: number;
  readonly restartCount?: number;
  readonly safe?: number;
  readonly firmwareVersion?: bigint;
  /** Bytes after the structure, inside what is signed. */
  readonly trailing?: Uint8Array;
  readonly pcrDigest?: Uint8Array;
  /** Raw TPML_PCR_SELECTION in place of the one that fits the values. */
  readonly selection?: Uint8Array;
}

export interface FakeKeyOptions {
  readonly attributes?: readonly AttributeName[];
  /** False: the public area leaves the scheme open. */
  readonly bindScheme?: boolean;
  readonly nameAlg?: 'sha256' | 'sha384';
}

const AK_ATTRIBUTES: readonly AttributeName[] = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'restricted', 'sign'];
const NULL = 0x0010;

const KINDS = {
  'ecdsa-p256': { scheme: 0x0018, hash: 'sha256', curve: 'P-256', curveId: 3 },
  'ecdsa-p384': { scheme: 0x0018, hash: 'sha384', curve: 'P-384', curveId: 4 },
  rsassa: { scheme: 0x0014, hash: 'sha256', curve: null, curveId: 0 },
  rsapss: { scheme: 0x0016, hash: 'sha256', curve: null, curveId: 0 },
} as const;

/** A throw-away attestation key that writes and signs what a TPM would. Its evidence is real in form; nothing vouches for the key. */
export class FakeAttestationKey {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** TPM name, lowercase hex. */
  readonly name: string;
  readonly #privateKey: KeyObject;

  constructor(
    readonly kind: FakeKeyKind = 'ecdsa-p256',
    options: FakeKeyOptions = {},
  ) {
    const { curve } = KINDS[kind];
    const pair = curve === null ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: curve });
    this.#privateKey = pair.privateKey;
    this.publicArea = new Uint8Array(writePublicArea(kind, pair.publicKey, options));
    this.name = objectName(this.publicArea, options.nameAlg).toString('hex');
  }

  /** A quote over `pcrs` in answer to `qualifyingData`. */
  quote(qualifyingData: Uint8Array, pcrs: readonly PcrBank[], knobs: AttestKnobs = {}): Tpm2Evidence {
    const digest = createHash(KINDS[this.kind].hash);
    const banks = pcrs.map(({ bank, values }) => {
      const indexes = Object.keys(values).map(Number).sort((a, b) => a - b);
      for (const index of indexes) digest.update(Buffer.from(values[String(index)] ?? '', 'hex'));
      return { bank, indexes };
    });
    const body = Buffer.concat([knobs.selection ?? pcrSelection(banks), tpm2b(knobs.pcrDigest ?? digest.digest())]);
    const attest = this.attest(0x8018, qualifyingData, body, knobs);
    return { kind: 'tpm2', attest: toBase64url(attest), signature: toBase64url(this.sign(attest)), ak_public: toBase64url(this.publicArea), pcrs };
  }

  /** TPM2_Certify of an object of this name. */
  certify(qualifyingData: Uint8Array, objectNameHex: string, knobs: AttestKnobs = {}): { attest: Uint8Array; signature: Uint8Array } {
    const name = Buffer.from(objectNameHex, 'hex');
    const attest = this.attest(0x8017, qualifyingData, Buffer.concat([tpm2b(name), tpm2b(name)]), knobs);
    return { attest, signature: this.sign(attest) };
  }

  /** TPMS_ATTEST around `body`. */
  attest(type: number, extraData: Uint8Array, body: Uint8Array, knobs: AttestKnobs = {}): Uint8Array {
    const clock = Buffer.concat([u64(knobs.clockMs ?? 5000n), u32(knobs.resetCount ?? 2), u32(knobs.restartCount ?? 0), u8(knobs.safe ?? 1)]);
    const header = [u32(knobs.magic ?? 0xff544347), u16(knobs.type ?? type), tpm2b(Buffer.from(this.name, 'hex')), tpm2b(extraData), clock];
    return new Uint8Array(Buffer.concat([...header, u64(knobs.firmwareVersion ?? 0x20191023_00163636n), body, knobs.trailing ?? new Uint8Array()]));
  }

  /** TPMT_SIGNATURE over any bytes: unlike a restricted key, this one signs what it is told. */
  sign(message: Uint8Array): Uint8Array {
    const { scheme, hash, curve } = KINDS[this.kind];
    const header = Buffer.concat([u16(scheme), u16(TPM_IDS[hash])]);
    if (curve !== null) {
      const joined = sign(hash, message, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
      const half = joined.length / 2;
      return new Uint8Array(Buffer.concat([header, tpm2b(joined.subarray(0, half)), tpm2b(joined.subarray(half))]));
    }
    const padding = this.kind === 'rsapss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : { padding: constants.RSA_PKCS1_PADDING };
    return new Uint8Array(Buffer.concat([header, tpm2b(sign(hash, message, { key: this.#privateKey, ...padding }))]));
  }
}

function writePublicArea(kind: FakeKeyKind, publicKey: KeyObject, options: FakeKeyOptions): Buffer {
  const { scheme, hash, curve, curveId } = KINDS[kind];
  const jwk = publicKey.export({ format: 'jwk' });
  const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  const signing = options.bindScheme === false ? u16(NULL) : Buffer.concat([u16(scheme), u16(TPM_IDS[hash])]);
  const key = curve === null
    ? [u16(2048), u32(0), tpm2b(part(jwk.n))]
    : [u16(curveId), u16(NULL), tpm2b(part(jwk.x)), tpm2b(part(jwk.y))];
  return Buffer.concat([
    u16(curve === null ? 0x0001 : 0x0023), u16(TPM_IDS[options.nameAlg ?? 'sha256']), u32(attributeBits(options.attributes ?? AK_ATTRIBUTES)),
    tpm2b(new Uint8Array()), u16(NULL), signing, ...key,
  ]);
}
