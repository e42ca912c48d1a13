export type Tpm2ErrorCode =
  /** What the caller expects is absent or of the wrong form: nothing can be verified against it. */
  | 'tpm-expectation-malformed'
  /** The evidence object is not of its shape. */
  | 'tpm-evidence-malformed'
  | 'tpm-quote-malformed'
  | 'tpm-quote-trailing'
  /** The statement was not made by a TPM of its own accord (TPM_GENERATED_VALUE is missing). */
  | 'tpm-quote-magic'
  /** Another kind of attestation than the one asked for. */
  | 'tpm-quote-type'
  | 'tpm-signature-malformed'
  | 'tpm-quote-signature'
  | 'tpm-quote-nonce-mismatch'
  | 'tpm-quote-selection'
  | 'tpm-quote-pcr-digest'
  | 'tpm-public-malformed'
  | 'tpm-public-unsupported'
  | 'tpm-ak-attributes'
  | 'tpm-ak-scheme'
  | 'tpm-ak-name-mismatch'
  | 'tpm-certified-name-mismatch'
  | 'tpm-certified-attributes'
  | 'tpm-ek-attributes'
  | 'tpm-ek-certificate'
  | 'tpm-ek-path'
  | 'tpm-ek-key-mismatch'
  | 'tpm-credential-malformed';

/** TPM evidence that is malformed or forged. Callers switch on `code`, never on the message. */
export class Tpm2Error extends Error {
  override readonly name = 'Tpm2Error';
  constructor(
    readonly code: Tpm2ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
