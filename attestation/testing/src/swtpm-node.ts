import { createHash } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import type { PcrBank, Tpm2Evidence } from '@strongroom/attestation-model';
import { Swtpm } from './swtpm.js';
import { attributeBits, pcrSelection, tpm2b, u16, u32, u8, BANK_BYTES, TPM_IDS, type FakeBank } from './tpm-structures.js';

export interface SwtpmKey {
  readonly handle: number;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

export type SwtpmKeyKind = 'ecdsa-p256' | 'ecdsa-p384' | 'rsassa' | 'rsapss';

const ENDORSEMENT = 0x4000000b;
const OWNER = 0x40000001;
const NULL = 0x40000007;
const PASSWORD = Buffer.concat([u32(0x40000009), tpm2b(new Uint8Array()), u8(1), tpm2b(new Uint8Array())]);
const EMPTY = tpm2b(new Uint8Array());
const EK_CERTIFICATE_INDEX = 0x01c00002;
const EK_POLICY = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');
const EK_POLICY_384 = Buffer.from('b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12', 'hex');
const EK = attributeBits(['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'adminWithPolicy', 'restricted', 'decrypt']);
const AK = attributeBits(['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'restricted', 'sign']);

/** A node with a live software TPM, spoken to in raw commands: the attester's side of tests, written apart from the product's. */
export class SwtpmNode {
  private constructor(readonly tpm: Swtpm) {}

  static async create(directory: string): Promise<SwtpmNode> {
    return new SwtpmNode(await Swtpm.manufacture(directory));
  }

  /** TCG EK templates L-1 (RSA 2048), L-2 (P-256) and H-3 (P-384). */
  async createEk(kind: 'rsa-2048' | 'ecc-p256' | 'ecc-p384' = 'rsa-2048'): Promise<SwtpmKey> {
    const p384 = kind === 'ecc-p384';
    const attributes = p384 ? EK | attributeBits(['userWithAuth']) : EK;
    const zeros = (size: number): Buffer => tpm2b(Buffer.alloc(size));
    const aes = Buffer.concat([u16(0x0006), u16(p384 ? 256 : 128), u16(0x0043)]);
    const head = Buffer.concat([u16(TPM_IDS[p384 ? 'sha384' : 'sha256']), u32(attributes), tpm2b(p384 ? EK_POLICY_384 : EK_POLICY), aes, u16(0x0010)]);
    const body = kind === 'rsa-2048' ? [u16(0x0001), head, u16(2048), u32(0), zeros(256)] : [u16(0x0023), head, u16(p384 ? 4 : 3), u16(0x0010), zeros(p384 ? 0 : 32), zeros(p384 ? 0 : 32)];
    return this.#createPrimary(Buffer.concat(body));
  }

  async createAk(kind: SwtpmKeyKind, attributes: number = AK): Promise<SwtpmKey> {
    const hash = kind === 'ecdsa-p384' ? 'sha384' : 'sha256';
    const scheme = kind === 'rsassa' ? 0x0014 : kind === 'rsapss' ? 0x0016 : 0x0018;
    const rsa = kind === 'rsassa' || kind === 'rsapss';
    const unique = rsa ? [u16(2048), u32(0), EMPTY] : [u16(kind === 'ecdsa-p384' ? 4 : 3), u16(0x0010), EMPTY, EMPTY];
    return this.#createPrimary(Buffer.concat([u16(rsa ? 0x0001 : 0x0023), u16(TPM_IDS.sha256), u32(attributes), EMPTY, u16(0x0010), u16(scheme), u16(TPM_IDS[hash]), ...unique]));
  }

  async #createPrimary(template: Uint8Array): Promise<SwtpmKey> {
    const parameters = Buffer.concat([tpm2b(Buffer.concat([EMPTY, EMPTY])), tpm2b(template), EMPTY, u32(0)]);
    const response = await this.tpm.authorised(0x131, u32(ENDORSEMENT), [PASSWORD], parameters, true);
    return { handle: response.readUInt32BE(0), publicArea: new Uint8Array(response.subarray(6, 6 + response.readUInt16BE(4))) };
  }

  async flush(key: SwtpmKey): Promise<void> {
    await this.tpm.command(0x165, u32(key.handle));
  }

  /** Extends one PCR in every bank with the digest of `data`. */
  async extend(index: number, data: string): Promise<void> {
    const banks = (['sha256', 'sha1', 'sha384'] as const).map((bank) => Buffer.concat([u16(TPM_IDS[bank]), createHash(bank).update(data).digest()]));
    await this.tpm.authorised(0x182, u32(index), [PASSWORD], Buffer.concat([u32(banks.length), ...banks]));
  }

  async readPcr(bank: FakeBank, index: number): Promise<string> {
    const response = await this.tpm.command(0x17e, pcrSelection([{ bank, indexes: [index] }]));
    return response.subarray(response.length - BANK_BYTES[bank]).toString('hex');
  }

  async quote(ak: SwtpmKey, qualifyingData: Uint8Array, selection: readonly { readonly bank: FakeBank; readonly indexes: readonly number[] }[]): Promise<Tpm2Evidence> {
    const parameters = Buffer.concat([tpm2b(qualifyingData), u16(0x0010), pcrSelection(selection)]);
    const { statement, signature } = splitStatement(await this.tpm.authorised(0x158, u32(ak.handle), [PASSWORD], parameters));
    const pcrs: PcrBank[] = [];
    for (const { bank, indexes } of selection) {
      const values: Record<string, string> = {};
      for (const index of indexes) values[String(index)] = await this.readPcr(bank, index);
      pcrs.push({ bank, values });
    }
    return { kind: 'tpm2', attest: toBase64url(statement), signature: toBase64url(signature), ak_public: toBase64url(ak.publicArea), pcrs };
  }

  async certify(ak: SwtpmKey, object: SwtpmKey, qualifyingData: Uint8Array): Promise<{ attest: Uint8Array; signature: Uint8Array }> {
    const parameters = Buffer.concat([tpm2b(qualifyingData), u16(0x0010)]);
    const { statement, signature } = splitStatement(await this.tpm.authorised(0x148, Buffer.concat([u32(object.handle), u32(ak.handle)]), [PASSWORD, PASSWORD], parameters));
    return { attest: statement, signature };
  }

  /**
   * TPM2_ActivateCredential. The low-range EKs ask for their own policy (PolicySecret of the endorsement hierarchy), the P-384 one of the
   * high range takes its password, which is empty.
   */
  async activateCredential(ak: SwtpmKey, ek: SwtpmKey, credentialBlob: Uint8Array, encryptedSecret: Uint8Array): Promise<Uint8Array> {
    const activate = (authorisation: Uint8Array): Promise<Buffer> =>
      this.tpm.authorised(0x147, Buffer.concat([u32(ak.handle), u32(ek.handle)]), [PASSWORD, authorisation], Buffer.concat([credentialBlob, encryptedSecret]));
    const withPassword = (Buffer.from(ek.publicArea).readUInt32BE(4) & attributeBits(['userWithAuth'])) !== 0;
    if (withPassword) return new Uint8Array((await activate(PASSWORD)).subarray(2));
    const start = Buffer.concat([u32(NULL), u32(NULL), tpm2b(Buffer.alloc(16, 1)), EMPTY, u8(1), u16(0x0010), u16(TPM_IDS.sha256)]);
    const session = u32((await this.tpm.command(0x176, start)).readUInt32BE(0));
    await this.tpm.authorised(0x151, Buffer.concat([u32(ENDORSEMENT), session]), [PASSWORD], Buffer.concat([EMPTY, EMPTY, EMPTY, u32(0)]));
    const policy = Buffer.concat([session, EMPTY, u8(0), EMPTY]);
    try {
      return new Uint8Array((await activate(policy)).subarray(2));
    } catch (cause) {
      await this.tpm.command(0x165, session).catch(() => undefined); // A refused command leaves its session behind.
      throw cause;
    }
  }

  /** DER of the RSA EK's certificate, from its NV index. */
  async ekCertificate(): Promise<Uint8Array> {
    const response = await this.tpm.command(0x169, u32(EK_CERTIFICATE_INDEX));
    const publicSize = response.readUInt16BE(0);
    const size = response.readUInt16BE(publicSize);
    const chunks: Buffer[] = [];
    for (let offset = 0; offset < size; offset += 512) {
      const take = Math.min(512, size - offset);
      const chunk = await this.tpm.authorised(0x14e, Buffer.concat([u32(OWNER), u32(EK_CERTIFICATE_INDEX)]), [PASSWORD], Buffer.concat([u16(take), u16(offset)]));
      chunks.push(chunk.subarray(2));
    }
    return new Uint8Array(Buffer.concat(chunks));
  }

  async reboot(): Promise<void> {
    await this.tpm.powerOff();
    await this.tpm.powerOn();
  }
}

/** TPM2B_ATTEST, then TPMT_SIGNATURE. */
function splitStatement(response: Buffer): { statement: Uint8Array; signature: Uint8Array } {
  const size = response.readUInt16BE(0);
  return { statement: new Uint8Array(response.subarray(2, 2 + size)), signature: new Uint8Array(response.subarray(2 + size)) };
}
