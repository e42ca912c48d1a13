export type SoftwareEvidenceErrorCode =
  /** What the caller expects is absent or of the wrong form. */
  | 'software-expectation-malformed'
  | 'software-evidence-malformed'
  | 'software-key-unsupported'
  | 'software-key-name-mismatch'
  | 'software-signature'
  | 'software-binding-mismatch';

/** Software evidence that is malformed or forged. Callers switch on `code`, never on the message. */
export class SoftwareEvidenceError extends Error {
  override readonly name = 'SoftwareEvidenceError';
  constructor(
    readonly code: SoftwareEvidenceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
