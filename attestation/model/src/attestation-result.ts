/** AR4SI / EAR status of a result, from draft-ietf-rats-ear. */
export type EarStatus = 'none' | 'affirming' | 'warning' | 'contraindicated';

/**
 * One environment a node may be in. Compound: every listed PCR must hold within the same environment;
 * values of two environments never mix.
 */
export interface ReferenceEnvironment {
  readonly name: string;
  readonly kind: 'tpm2' | 'software';
  readonly bank: 'sha256' | 'sha384';
  /** PCR index (decimal string) to lowercase hex digest. Never empty. */
  readonly pcrs: Readonly<Record<string, string>>;
  /** RFC 3339; past it the environment matches nothing. */
  readonly expires_at: string;
}

/** AR4SI trust vector: 0 no claim, 2..31 affirming, 32..95 warning, 96..127 contraindicated. */
export interface TrustworthinessVector {
  readonly 'instance-identity'?: number;
  readonly configuration?: number;
  readonly executables?: number;
  readonly hardware?: number;
}

/** What a verifier says of evidence: good or bad, never an exception. */
export interface AttestationResult {
  readonly status: EarStatus;
  readonly kind: 'tpm2' | 'software';
  readonly vector: TrustworthinessVector;
  /** Name of the reference environment that matched, or null. */
  readonly environment: string | null;
  readonly akName: string;
  /** `sha256:<hex>` over the RFC 8785 form of the evidence. */
  readonly evidenceDigest: string;
  /** Integer epoch seconds. */
  readonly appraisedAt: number;
  /** Policy digest the appraisal ran under. */
  readonly policyDigest: string;
  /** Reason codes, empty when affirming. */
  readonly reasons: readonly string[];
}
