import { EnclaveError } from './errors.js';
import type { Enclave } from './enclave.js';
import { enclaveMembers } from './enclave-shape.js';
import { findNonsense, type PartialEnclave } from './enclave-sense.js';
import { Faults, formatFault } from './faults.js';

/**
 * Makes an enclave of a declaration, or tells everything that is wrong with it at once.
 *
 * Does not say that the enclave is tight: whether any path leads out of what is built from it is the prover's business. Does
 * not compare expiry with a clock: an expired environment simply matches no node.
 *
 * @param input plain data, as read from a file; unknown members are faults.
 * @returns the declaration, frozen throughout, in the member names of the signed document.
 * @throws EnclaveError `enclave-invalid`, with `faults`: path, what was expected, what stands there, what to do.
 */
export function defineEnclave(input: unknown): Enclave {
  const faults = new Faults();
  const enclave = readMembers(input, faults);
  findNonsense(enclave, faults);
  if (faults.count > 0) {
    const list = faults.list();
    const noun = list.length === 1 ? 'fault' : 'faults';
    throw new EnclaveError('enclave-invalid', `${list.length} ${noun} in the enclave:\n${list.map(formatFault).join('\n')}`, list);
  }
  return Object.freeze(enclave) as Enclave;
}

/** As `record` reads, but keeping the members that are good although others are not. */
function readMembers(input: unknown, faults: Faults): PartialEnclave {
  const names = Object.keys(enclaveMembers) as (keyof Enclave)[];
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    faults.add('', 'an object', input, `Write an object with ${names.join(', ')}.`);
    return {};
  }
  const given = input as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(enclaveMembers, name)) faults.add(`/${name}`, 'no such member', given[name], `Take it out; known are ${names.join(', ')}.`);
  }
  const read = names.map((name) => [name, enclaveMembers[name](Object.hasOwn(given, name) ? given[name] : undefined, `/${name}`, faults)] as const);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined));
}
