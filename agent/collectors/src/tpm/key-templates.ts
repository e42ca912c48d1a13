import { TpmWriter } from './bytes.js';
import { TPM_ALG, TPM_ECC_CURVE, TPMA_OBJECT } from './constants.js';

const A = TPMA_OBJECT;
const EMPTY = new Uint8Array(0);

/** PolicyA: PolicySecret(endorsement), SHA-256. TCG EK Credential Profile, templates L-1 and L-2. */
const POLICY_A_SHA256 = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
/** PolicyB: PolicyOR of PolicyA and an owner-chosen policy: templates H-1 to H-3. */
const POLICY_B_SHA256 = 'ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0';
const POLICY_B_SHA384 = 'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12';

const LOW_RANGE = A.fixedTPM | A.fixedParent | A.sensitiveDataOrigin | A.adminWithPolicy | A.restricted | A.decrypt;
/** The high range lets the (empty) password use the key as well. */
const HIGH_RANGE = LOW_RANGE | A.userWithAuth;

/** One of the standard's endorsement keys: where its certificate lies and the template it is derived from. */
export interface EndorsementKeyProfile {
  readonly name: 'rsa2048' | 'p256' | 'rsa2048-high' | 'p256-high' | 'p384';
  /** NV index of the X.509 certificate. */
  readonly certificateIndex: number;
  /** TPMT_PUBLIC. */
  readonly template: Uint8Array;
  /** How the key's use is authorised. */
  readonly authorization: 'endorsement-policy' | 'password';
}

/**
 * In order of preference: the RSA low range is what nearly every vendor certifies.
 * See TCG EK Credential Profile for TPM Family 2.0: templates L-1, L-2, H-1, H-2, H-3, in this order.
 */
export const ENDORSEMENT_KEY_PROFILES: readonly EndorsementKeyProfile[] = [
  {
    name: 'rsa2048',
    certificateIndex: 0x01c00002,
    template: rsaTemplate(LOW_RANGE, POLICY_A_SHA256, new Uint8Array(256)),
    authorization: 'endorsement-policy',
  },
  {
    name: 'p256',
    certificateIndex: 0x01c0000a,
    template: eccTemplate('p256', LOW_RANGE, POLICY_A_SHA256, new Uint8Array(32)),
    authorization: 'endorsement-policy',
  },
  {
    name: 'rsa2048-high',
    certificateIndex: 0x01c00012,
    template: rsaTemplate(HIGH_RANGE, POLICY_B_SHA256, EMPTY),
    authorization: 'password',
  },
  {
    name: 'p256-high',
    certificateIndex: 0x01c00014,
    template: eccTemplate('p256', HIGH_RANGE, POLICY_B_SHA256, EMPTY),
    authorization: 'password',
  },
  {
    name: 'p384',
    certificateIndex: 0x01c00016,
    template: eccTemplate('p384', HIGH_RANGE, POLICY_B_SHA384, EMPTY),
    authorization: 'password',
  },
];

function rsaTemplate(attributes: number, policyHex: string, unique: Uint8Array): Uint8Array {
  const writer = new TpmWriter().u16(TPM_ALG.RSA).u16(TPM_ALG.SHA256).u32(attributes).sized(Buffer.from(policyHex, 'hex'));
  writer.u16(TPM_ALG.AES).u16(128).u16(TPM_ALG.CFB).u16(TPM_ALG.NULL);
  return writer.u16(2048).u32(0).sized(unique).finish();
}

function eccTemplate(curve: 'p256' | 'p384', attributes: number, policyHex: string, coordinate: Uint8Array): Uint8Array {
  const strong = curve === 'p384';
  const writer = new TpmWriter().u16(TPM_ALG.ECC).u16(strong ? TPM_ALG.SHA384 : TPM_ALG.SHA256);
  writer.u32(attributes).sized(Buffer.from(policyHex, 'hex'));
  writer.u16(TPM_ALG.AES).u16(strong ? 256 : 128).u16(TPM_ALG.CFB).u16(TPM_ALG.NULL);
  writer.u16(strong ? TPM_ECC_CURVE.P384 : TPM_ECC_CURVE.P256).u16(TPM_ALG.NULL);
  return writer.sized(coordinate).sized(coordinate).finish();
}

/** What our attestation key must be: it signs only what the TPM itself made, and never leaves it. */
export const ATTESTATION_KEY_ATTRIBUTES =
  A.fixedTPM | A.fixedParent | A.sensitiveDataOrigin | A.userWithAuth | A.noDA | A.restricted | A.sign;

/** TPMT_PUBLIC template of the attestation key: restricted ECDSA P-256 with SHA-256. `label` sets it apart from other primary keys. */
export function attestationKeyTemplate(label: string): Uint8Array {
  const x = new Uint8Array(32);
  x.set(new TextEncoder().encode(label).slice(0, 32));
  const writer = new TpmWriter().u16(TPM_ALG.ECC).u16(TPM_ALG.SHA256).u32(ATTESTATION_KEY_ATTRIBUTES).sized(EMPTY);
  writer.u16(TPM_ALG.NULL).u16(TPM_ALG.ECDSA).u16(TPM_ALG.SHA256);
  return writer.u16(TPM_ECC_CURVE.P256).u16(TPM_ALG.NULL).sized(x).sized(new Uint8Array(32)).finish();
}
