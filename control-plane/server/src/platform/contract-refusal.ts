import { ContractError } from '@strongroom/control-plane-contract';
import { StrongroomError } from './errors.js';

/**
 * Runs a verification and turns a statement that does not hold into a refusal a client can read: the contract's own code stands
 * as the reason.
 * @throws StrongroomError `statement-refused`
 */
export function refuseContractError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asRefusal(error);
  }
}

export function asRefusal(error: unknown): unknown {
  if (!(error instanceof ContractError)) return error;
  return new StrongroomError('statement-refused', error.message, {
    cause: error,
    reasons: [{ code: error.code, message: error.message }],
  });
}
