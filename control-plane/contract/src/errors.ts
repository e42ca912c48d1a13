export type ContractErrorCode =
  | 'statement-malformed'
  | 'statement-signature'
  | 'statement-expired'
  | 'statement-not-yet-valid'
  | 'statement-other-tenant'
  | 'statement-rolled-back'
  | 'anchors-untrusted'
  | 'genesis-mismatch'
  | 'approval-malformed'
  | 'approval-challenge'
  | 'approval-origin'
  | 'approval-rp-id'
  | 'approval-user-presence'
  | 'approval-user-verification'
  | 'approval-backup-eligible'
  | 'approval-cross-origin'
  | 'approval-signature'
  | 'approval-unknown-credential'
  | 'approval-factor'
  | 'approval-other-request'
  | 'approval-other-policy'
  | 'approval-window'
  | 'quorum-incomplete'
  | 'request-digest'
  | 'manifest-not-logged'
  | 'manifest-mismatch'
  | 'manifest-roles'
  | 'release-not-logged'
  | 'release-entry-mismatch'
  | 'release-input-mismatch'
  | 'release-policy-denied'
  | 'release-policy-digest'
  | 'release-stale'
  | 'lease-mismatch'
  | 'hpke-open'
  | 'key-commitment'
  | 'log-proof'
  | 'log-witnesses'
  | 'log-rolled-back';

/** A statement that does not hold. Callers switch on `code`, never on the message. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  constructor(
    readonly code: ContractErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
