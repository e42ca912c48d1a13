import { Tpm2Error } from './errors.js';
import { parsePublicArea, type PublicArea } from './public-area.js';

/**
 * Reads an endorsement key's TPMT_PUBLIC and holds it to the EK Credential Profile: a restricted decryption key with AES-CFB, made in and
 * fixed to its TPM, that never signs; RSA 2048 or 3072, ECC P-256 or P-384; named under SHA-256 or SHA-384.
 * @throws Tpm2Error `tpm-ek-attributes` | `tpm-public-*`
 */
export function requireEndorsementKey(ekPublic: Uint8Array): PublicArea {
  const ek = parsePublicArea(ekPublic);
  const { restricted, decrypt, sign, fixedTpm, fixedParent, sensitiveDataOrigin } = ek.attributes;
  if (!restricted || !decrypt || sign || !fixedTpm || !fixedParent || !sensitiveDataOrigin) {
    throw new Tpm2Error('tpm-ek-attributes', 'endorsement key is not a restricted decryption key made in and fixed to its TPM');
  }
  if (ek.symmetric === null || ek.scheme !== null) throw new Tpm2Error('tpm-ek-attributes', 'endorsement key is not a storage key');
  if (ek.nameAlg !== 'sha256' && ek.nameAlg !== 'sha384') throw new Tpm2Error('tpm-ek-attributes', 'endorsement key is named under a weak or unused hash');
  if (ek.key.kind === 'rsa' && ek.key.modulus.length > 384) throw new Tpm2Error('tpm-ek-attributes', 'endorsement key is of a size no profile has');
  return ek;
}
