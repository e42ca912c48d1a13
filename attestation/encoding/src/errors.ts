export type EncodingErrorCode =
  | 'json-not-canonicalizable'
  | 'json-malformed'
  | 'json-too-large'
  | 'base64url-malformed'
  | 'cbor-malformed'
  | 'cbor-too-large'
  | 'cose-key-malformed'
  | 'cose-key-unsupported'
  | 'der-malformed'
  | 'der-too-large'
  | 'certificate-malformed'
  | 'certificate-path'
  | 'dsse-malformed'
  | 'dsse-payload-type'
  | 'dsse-threshold';

/** Bytes that are not what they claim to be. Callers switch on `code`, never on the message. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError';
  constructor(
    readonly code: EncodingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
