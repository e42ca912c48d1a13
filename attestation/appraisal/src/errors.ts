export type AppraisalErrorCode =
  /** What the caller expects is absent or contradicts itself. */
  | 'appraisal-expectation-malformed'
  /** Evidence of no kind known here. */
  | 'appraisal-evidence-kind'
  /** A reference environment that could match by accident: empty, of another bank, without an end. */
  | 'reference-environment-malformed'
  /** The appraisal policy failed, or answered in no shape that can be read. */
  | 'appraisal-policy-failed'
  | 'ear-options-malformed'
  | 'ear-malformed'
  | 'ear-key-unknown'
  | 'ear-signature'
  | 'ear-expired'
  | 'ear-audience'
  | 'ear-issuer'
  | 'ear-profile';

/** An appraisal that could not be made, or a result that proves nothing. Callers switch on `code`, never on the message. */
export class AppraisalError extends Error {
  override readonly name = 'AppraisalError';
  constructor(
    readonly code: AppraisalErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
