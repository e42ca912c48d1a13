import { timingSafeEqual } from 'node:crypto';
import { Tpm2Error } from './errors.js';
import { parsePublicArea, tpmName, type PublicArea } from './public-area.js';

const SCHEMES: Readonly<Record<PublicArea['key']['kind'], readonly string[]>> = { rsa: ['rsassa', 'rsapss'], ecc: ['ecdsa'] };
const NAME = /^000[bc][0-9a-f]{64,96}$/;

/**
 * Reads an attestation key's TPMT_PUBLIC and holds it to what makes its signatures evidence: made in and fixed to one TPM, restricted (so it
 * signs only what the TPM itself states), signing only, with its scheme settled, and named as expected.
 *
 * @param expectedName the enrolled key's TPM name, lowercase hex.
 * @throws Tpm2Error `tpm-expectation-malformed` | `tpm-public-*` | `tpm-ak-attributes` | `tpm-ak-scheme` | `tpm-ak-name-mismatch`
 */
export function requireAttestationKey(akPublic: Uint8Array, expectedName: string): PublicArea {
  if (typeof expectedName !== 'string' || !NAME.test(expectedName)) throw new Tpm2Error('tpm-expectation-malformed', 'expected AK name is absent or not a TPM name');
  const publicArea = parseAttestationKey(akPublic);
  if (!equalBytes(Buffer.from(tpmName(publicArea)), Buffer.from(expectedName))) throw new Tpm2Error('tpm-ak-name-mismatch', 'attestation key is not the enrolled one');
  return publicArea;
}

/** As `requireAttestationKey`, for a key that has no record yet: enrolment. @throws Tpm2Error */
export function parseAttestationKey(akPublic: Uint8Array): PublicArea {
  const publicArea = parsePublicArea(akPublic);
  const { restricted, sign, decrypt, fixedTpm, fixedParent, sensitiveDataOrigin } = publicArea.attributes;
  if (!restricted || !sign || decrypt || !fixedTpm || !fixedParent || !sensitiveDataOrigin) {
    throw new Tpm2Error('tpm-ak-attributes', 'attestation key is not a restricted signing key made in and fixed to its TPM');
  }
  if (publicArea.scheme === null) throw new Tpm2Error('tpm-ak-scheme', 'attestation key leaves its scheme open');
  if (!SCHEMES[publicArea.key.kind].includes(publicArea.scheme.name)) throw new Tpm2Error('tpm-ak-scheme', 'scheme does not fit the key');
  return publicArea;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
