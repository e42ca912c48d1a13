/**
 * Evidence as it travels and as it is digested into a release entry: plain JSON, bytes as base64url without padding.
 * Unproven until a verifier has turned it into {@link VerifiedClaims}.
 */
export type Evidence = Tpm2Evidence | SoftwareEvidence;

/** A TPM 2.0 quote with what is needed to judge it. */
export interface Tpm2Evidence {
  readonly kind: 'tpm2';
  /** TPMS_ATTEST exactly as signed. */
  readonly attest: string;
  /** TPMT_SIGNATURE. */
  readonly signature: string;
  /** TPMT_PUBLIC of the attestation key. */
  readonly ak_public: string;
  /** The PCR values the quote's digest is over, one object a bank, in the order of the quote's selection. */
  readonly pcrs: readonly PcrBank[];
}

export interface PcrBank {
  readonly bank: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** PCR index (decimal string) to lowercase hex digest. */
  readonly values: Readonly<Record<string, string>>;
}

/** The development profile's stand-in: a statement signed by a throw-away P-256 key. It proves possession, never hardware. */
export interface SoftwareEvidence {
  readonly kind: 'software';
  /** RFC 8785 bytes of a {@link SoftwareStatement}. */
  readonly statement: string;
  /** ECDSA P-256 with SHA-256, r‖s (64 bytes), over the statement's bytes. */
  readonly signature: string;
  /** DER SubjectPublicKeyInfo of the throw-away key. */
  readonly public_key: string;
}

export interface SoftwareStatement {
  readonly type: 'strongroom/software-evidence/v1';
  /** base64url of the 32-byte binding digest. */
  readonly binding: string;
  /** What the agent says it measured, in the same form as a PCR bank. */
  readonly pcrs: readonly PcrBank[];
}

declare const verified: unique symbol;

/** What a verifier has proven. Only verifiers make it, so a function that asks for it cannot be handed raw evidence. */
export interface VerifiedClaims {
  readonly [verified]: true;
  readonly kind: Evidence['kind'];
  /**
   * True where the evidence is of a kind that hardware makes. A simulated TPM signs like a real one: whether a maker vouches for this one
   * stands in the node's record, from its endorsement, and appraisal asks for both.
   */
  readonly hardware: boolean;
  /** Lowercase hex. */
  readonly akName: string;
  /** The 32 bytes the evidence was made over, equal to what was expected. */
  readonly bindingDigest: Uint8Array;
  readonly pcrs: readonly PcrBank[];
  /** The TPM's own clock, when it has one. `resetCount` rises at each reboot. */
  readonly clock?: { readonly clockMs: bigint; readonly resetCount: number; readonly restartCount: number; readonly safe: boolean };
  readonly firmwareVersion?: string;
}

/** For verifiers alone: marks claims as proven. Lint forbids its use outside `attestation/`. */
export function provenClaims(claims: Omit<VerifiedClaims, typeof verified>): VerifiedClaims {
  return Object.freeze({ ...claims }) as VerifiedClaims;
}
