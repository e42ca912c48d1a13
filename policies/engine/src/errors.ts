export type PolicyErrorCode =
  | 'policy-bundle-malformed'
  | 'policy-bundle-stale'
  | 'policy-data-invalid'
  | 'policy-schema-invalid'
  | 'policy-wasm-invalid';

/** A bundle that no engine may be made of. Decisions never throw: a question that cannot be answered is a refusal. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  constructor(
    readonly code: PolicyErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
