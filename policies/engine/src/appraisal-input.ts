import type { PolicyProfile } from './release-input.js';

/** What the appraisal policy reads: claims a verifier has already proven, and the reference environment they matched. */
export interface AppraisalInput {
  /** Integer epoch seconds. */
  readonly now: number;
  readonly profile: PolicyProfile;
  readonly purpose: 'enrol' | 'release' | 'renew';
  readonly claims: {
    readonly kind: 'tpm2' | 'software';
    readonly hardware: boolean;
    /** Lowercase hex. */
    readonly ak_name: string;
    /** The AK is the one on the node's record (for `enrol`: the one just activated against a registered EK). */
    readonly ak_registered: boolean;
    readonly binding_verified: boolean;
    /** The TPM's clock flag; false for evidence without a clock (software). */
    readonly clock_safe: boolean;
    /** The TPM's resetCount; 0 for evidence without a clock. */
    readonly reset_count: number;
    /** `enrol`: 0. `release`: last seen. `renew`: the one at release, since a reboot ends the lease. Software: 0. */
    readonly expected_reset_count: number;
  };
  readonly environment: {
    readonly matched: boolean;
    /** Empty when nothing matched. */
    readonly name: string;
    readonly kind: 'tpm2' | 'software';
    /** Integer epoch seconds; 0 when nothing matched. */
    readonly expires_at: number;
  };
}
