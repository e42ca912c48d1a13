import type { ReleaserRefusal } from '@strongroom/control-plane-contract';

/** Why the program does not start, or a tool of it does not do its work. Never sent to a caller. */
export type ReleaserFault =
  | 'config-invalid'
  | 'start-refused'
  | 'database-migration'
  | 'key-store-exists'
  | 'key-store-unusable'
  | 'key-store-profile'
  /** The key service has no such key. */
  | 'key-unknown'
  /** The key service refused to unwrap: made for another context, or not by this key. */
  | 'key-refused';

export type ReleaserErrorCode = ReleaserRefusal | ReleaserFault;

/** One thing wrong at start; all of them are reported together. */
export interface StartFault {
  readonly at: string;
  readonly message: string;
}

/** A refusal, or a reason not to start. Callers switch on `code`, never on the message; neither ever carries a secret. */
export class ReleaserError extends Error {
  override readonly name = 'ReleaserError';
  readonly faults: readonly StartFault[];

  constructor(
    readonly code: ReleaserErrorCode,
    message: string,
    options?: ErrorOptions & { readonly faults?: readonly StartFault[] },
  ) {
    super(message, options);
    this.faults = options?.faults ?? [];
  }
}
