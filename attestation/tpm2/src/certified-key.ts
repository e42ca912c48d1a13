import { parseAttest } from './attest.js';
import { equalBytes, requireAttestationKey } from './attestation-key.js';
import { Tpm2Error } from './errors.js';
import { parsePublicArea, tpmName, type PublicArea } from './public-area.js';
import { requireStatement, type ExpectedQuote } from './quote.js';

export interface CertifiedKeyInput {
  /** TPMS_ATTEST of TPM2_Certify. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE by the attestation key. */
  readonly signature: Uint8Array;
  /** TPMT_PUBLIC of the attestation key. */
  readonly akPublic: Uint8Array;
  /** TPMT_PUBLIC of the key that is certified. */
  readonly certifiedPublic: Uint8Array;
}

/**
 * Verifies that the TPM holding the enrolled attestation key also holds `certifiedPublic`, and that this key was made there and can never leave.
 * Does not say what the key may be used for: read its attributes.
 *
 * @throws Tpm2Error `tpm-certified-name-mismatch` | `tpm-certified-attributes` | `tpm-quote-*` | `tpm-signature-malformed` | `tpm-public-*` | `tpm-ak-*`
 * @see TPM 2.0 Library, Part 3, TPM2_Certify
 */
export function verifyCertifiedKey(input: CertifiedKeyInput, expected: ExpectedQuote): PublicArea {
  const attest = parseAttest(input.attest);
  const ak = requireAttestationKey(input.akPublic, expected.akName);
  requireStatement(attest, input.attest, input.signature, ak, expected.bindingDigest);
  if (attest.type !== 'certify') throw new Tpm2Error('tpm-quote-type', 'attestation does not certify a key');
  const certified = parsePublicArea(input.certifiedPublic);
  if (!equalBytes(Buffer.from(attest.certifiedName), Buffer.from(tpmName(certified)))) throw new Tpm2Error('tpm-certified-name-mismatch', 'another key was certified');
  requireResidentKey(certified);
  return certified;
}

/** Attributes of a key that was made in one TPM and cannot leave it. @throws Tpm2Error `tpm-certified-attributes` */
export function requireResidentKey({ attributes }: PublicArea): void {
  if (!attributes.fixedTpm || !attributes.fixedParent || !attributes.sensitiveDataOrigin) throw new Tpm2Error('tpm-certified-attributes', 'key can leave its TPM, or was made outside');
}
