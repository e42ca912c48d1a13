export type CollectorErrorCode =
  /** Bytes from the TPM that are not a response to what was asked. The connection is not used again. */
  | 'tpm-response-malformed'
  /** The TPM understood the command and refused it; see {@link TpmCommandError}. */
  | 'tpm-command-failed'
  | 'tpm-timeout'
  | 'tpm-closed'
  | 'tpm-unreachable'
  /** A command we were about to send exceeds what a TPM takes. */
  | 'tpm-command-too-large'
  | 'pcr-selection-invalid'
  /** The TPM has not got a bank or a PCR that the selection names. */
  | 'pcr-unavailable'
  /** PCRs kept changing between reading and quoting. */
  | 'pcr-unstable'
  | 'ek-certificate-missing'
  | 'ek-certificate-malformed'
  /** The certificate certifies another key than the one this TPM derives. */
  | 'ek-certificate-mismatch'
  /** Something that is not our kind of attestation key lives at its handle. */
  | 'ak-handle-occupied'
  | 'nv-index-occupied'
  | 'credential-refused'
  | 'measurement-invalid'
  | 'software-key-malformed'
  | 'swtpm-unavailable'
  | 'swtpm-state-incomplete'
  | 'evidence-source-invalid'
  | 'evidence-source-unavailable';

/** What stops a collector. Callers switch on `code`, never on the message; the message says what to do where something can be done. */
export class CollectorError extends Error {
  override readonly name: string = 'CollectorError';
  constructor(
    readonly code: CollectorErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A TPM's own refusal. `code` is always `tpm-command-failed`; `rcName` tells refusals apart. */
export class TpmCommandError extends CollectorError {
  override readonly name = 'TpmCommandError';
  constructor(
    /** Such as `TPM2_Quote`. */
    readonly command: string,
    /** The response code as received. */
    readonly responseCode: number,
    /** TPM_RC name without its position, such as `TPM_RC_INTEGRITY`; `TPM_RC_UNKNOWN` when the standard has none. */
    readonly rcName: string,
    /** Which argument was refused, such as `parameter 1`, or empty. */
    readonly position: string,
  ) {
    const at = position === '' ? '' : ` (${position})`;
    super('tpm-command-failed', `${command}: ${rcName}${at}, 0x${responseCode.toString(16).padStart(8, '0')}`);
  }
}
