import type { EnclaveFault } from './faults.js';

export type EnclaveErrorCode = 'enclave-invalid' | 'budget-invalid';

/** A declaration that is no enclave. `faults` holds every one found, not only the first. */
export class EnclaveError extends Error {
  override readonly name = 'EnclaveError';
  constructor(
    readonly code: EnclaveErrorCode,
    message: string,
    readonly faults: readonly EnclaveFault[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
