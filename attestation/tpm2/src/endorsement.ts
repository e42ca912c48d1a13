import { certificatePublicKey, derSize, digestOf, EncodingError, verifyCertificatePath, type Digest, type VerifiedPath } from '@strongroom/attestation-encoding';
import { requireEndorsementKey } from './endorsement-key.js';
import { Tpm2Error } from './errors.js';
import { publicKeyOf, tpmName } from './public-area.js';

export interface EndorsementInput {
  /** DER endorsement-key certificate, as read from the TPM: filling of its NV index (all 00 or all ff) may follow. */
  readonly ekCertificate: Uint8Array;
  /** TPMT_PUBLIC of the endorsement key. */
  readonly ekPublic: Uint8Array;
  /** DER certificates that come along; they are trusted for nothing. */
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  /** `sha256:<hex>` over the DER of each trusted root. Empty: refused. */
  readonly trustedRootDigests: readonly string[];
}

declare const endorsed: unique symbol;

/** A genuine TPM, as far as its maker's word goes. Only `verifyEndorsement` makes it. */
export interface VerifiedEndorsement {
  readonly [endorsed]: true;
  /** `sha256:<hex>` over the DER SubjectPublicKeyInfo of the EK: the identity two people pre-register. */
  readonly ekDigest: Digest;
  /** TPM name of the EK, lowercase hex. */
  readonly ekName: string;
  readonly certificateDigest: Digest;
  readonly rootDigest: Digest;
  /** The end of the earliest-ending certificate of the path. */
  readonly expiresAt: Date;
}

/** tcg-kp-EKCertificate, TCG EK Credential Profile section 3.2.16. */
const EK_CERTIFICATE_PURPOSE = '2.23.133.8.1';
/** The maker's names for the TPM stand in a directoryName of this extension, critical when the subject is empty. */
const SUBJECT_ALT_NAME = '2.5.29.17';

/**
 * Verifies that a TPM maker whose root is pinned certified exactly this endorsement key, at `now`.
 * Does not say that the TPM answering us holds the key: that is `makeCredential` and its answer. NOT checked: revocation.
 *
 * @throws Tpm2Error `tpm-ek-path` | `tpm-ek-certificate` | `tpm-ek-key-mismatch` | `tpm-ek-attributes` | `tpm-public-*`
 * @see TCG EK Credential Profile for TPM Family 2.0
 */
export function verifyEndorsement(input: EndorsementInput, now: Date): VerifiedEndorsement {
  const ek = requireEndorsementKey(input.ekPublic);
  const { path, rootDigest } = requirePath(input, now);
  const [leaf] = path;
  if (leaf.basicConstraints?.ca === true) throw new Tpm2Error('tpm-ek-certificate', 'certificate is of an authority, not of a key');
  if (!leaf.extendedKeyUsage.includes(EK_CERTIFICATE_PURPOSE)) throw new Tpm2Error('tpm-ek-certificate', 'certificate is not for an endorsement key');
  const subjectPublicKeyInfo = new Uint8Array(publicKeyOf(ek).export({ format: 'der', type: 'spki' }));
  // Both sides are exported anew, so that two spellings of one key in DER compare equal.
  const certified = certificatePublicKey(leaf).export({ format: 'der', type: 'spki' });
  if (!certified.equals(subjectPublicKeyInfo)) throw new Tpm2Error('tpm-ek-key-mismatch', 'certificate is of another key');
  return Object.freeze({
    ekDigest: digestOf(subjectPublicKeyInfo),
    ekName: tpmName(ek),
    certificateDigest: leaf.digest,
    rootDigest,
    expiresAt: new Date(Math.min(...path.map(({ notAfter }) => notAfter.getTime()))),
  }) as VerifiedEndorsement;
}

function requirePath(input: EndorsementInput, now: Date): VerifiedPath {
  try {
    return verifyCertificatePath({ leaf: withoutFilling(input.ekCertificate), intermediates: input.intermediates, roots: input.roots, trustedRootDigests: input.trustedRootDigests, tolerated: [SUBJECT_ALT_NAME] }, now);
  } catch (cause) {
    const code = cause instanceof EncodingError && cause.code === 'certificate-path' ? 'tpm-ek-path' : 'tpm-ek-certificate';
    throw new Tpm2Error(code, 'endorsement certificate does not lead to a pinned root', { cause });
  }
}

/** Makers define the NV index larger than the certificate and leave the rest as erased flash has it. Anything else behind the certificate refuses it. */
function withoutFilling(bytes: Uint8Array): Uint8Array {
  const size = derSize(bytes);
  const rest = bytes.subarray(size);
  return rest.every((octet) => octet === 0x00) || rest.every((octet) => octet === 0xff) ? bytes.subarray(0, size) : bytes;
}
