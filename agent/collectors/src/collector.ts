import type { Evidence } from '@strongroom/attestation-model';

/** Who a node is, as it says at enrolment. Nothing of it is proven until its credential was activated and its chain verified. */
export interface NodeHardwareIdentity {
  readonly kind: 'tpm2' | 'software';
  /** Lowercase hex: algorithm id ‖ digest. */
  readonly akName: string;
  /** base64url: TPMT_PUBLIC for `tpm2`, DER SubjectPublicKeyInfo for `software`. */
  readonly akPublic: string;
  /** What vouches for the hardware; absent for `software`, which nothing vouches for. */
  readonly ek?: {
    /** base64url X.509 DER. */
    readonly certificate: string;
    /** base64url TPMT_PUBLIC. */
    readonly public: string;
    /** base64url X.509 DER, issuer first, as far as known here. */
    readonly chain: readonly string[];
  };
  /** `sha256:<hex>` over the DER SubjectPublicKeyInfo of the endorsement key, or of the software key. */
  readonly hardwareId: string;
}

/**
 * A secret that only the right node can recover. For `tpm2` as TPM2_MakeCredential gives it: a TPM2B_ID_OBJECT and a
 * TPM2B_ENCRYPTED_SECRET, sizes included. For `software` as `sealSoftwareCredential` gives it.
 */
export interface ActivationChallenge {
  readonly credentialBlob: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/**
 * The attester's side of one kind of evidence. Two stand: a TPM 2.0 and the development profile's software.
 *
 * Concurrency: calls may overlap and are carried out one after another.
 * Durability: identity survives restarts of the program and the machine; measurements last until the next start of the
 * TPM (for `software`, until the program ends).
 * Retry: a failed `measure` may have been carried out; the other calls change nothing and may be repeated.
 */
export interface EvidenceCollector {
  readonly kind: 'tpm2' | 'software';
  identity(): Promise<NodeHardwareIdentity>;
  /**
   * Recovers the secret of an enrolment challenge. The caller zeroes it after use.
   * @throws CollectorError `credential-refused` when it was made for another node or altered.
   */
  activate(challenge: ActivationChallenge): Promise<Uint8Array>;
  /**
   * Extends a PCR, as a TPM does: new value = H(old value ‖ digest).
   * @param digest 32 bytes.
   * @throws CollectorError `measurement-invalid`
   */
  measure(pcr: number, digest: Uint8Array): Promise<void>;
  /**
   * Extends a PCR unless it already holds exactly what this one measurement gives from all zeros, as after a restart of
   * the same agent without a restart of its TPM. Any other history is extended and so stays visible.
   * @returns whether it was extended now.
   */
  measureOnce(pcr: number, digest: Uint8Array): Promise<boolean>;
  /**
   * Makes evidence over the selected PCRs that binds `bindingDigest`.
   * @param bindingDigest 32 bytes, from `evidenceBindingDigest`.
   */
  collect(bindingDigest: Uint8Array): Promise<Evidence>;
  /** Frees the device or key. Safe to call twice. */
  close(): Promise<void>;
}
