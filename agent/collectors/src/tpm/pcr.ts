import { createHash } from 'node:crypto';
import type { PcrBank } from '@strongroom/attestation-model';
import { CollectorError } from '../errors.js';
import { malformed, TpmWriter } from './bytes.js';
import { activeBanks } from './capability.js';
import { passwordAuthorization } from './command.js';
import type { Tpm } from './command.js';
import { BANK_ALGORITHM, BANK_DIGEST_BYTES, marshalSelection, PCR_COUNT, requireSelection, unmarshalSelection } from './pcr-selection.js';
import type { PcrBankName, PcrSelection } from './pcr-selection.js';

const MAX_DIGESTS_AT_ONCE = 8;

/**
 * Reads every selected PCR, in as many commands as it takes: a TPM gives at most eight digests at a time. The values are
 * of several moments; whoever needs them to be of one compares their digest with a quote's.
 *
 * @returns one bank for each of the selection's, in its order, indices ascending.
 * @throws CollectorError `pcr-selection-invalid` | `pcr-unavailable` when the TPM has not got one of them.
 */
export async function readPcrs(tpm: Tpm, selection: readonly PcrSelection[]): Promise<readonly PcrBank[]> {
  const wanted = requireSelection(selection);
  const values = new Map<string, string>();
  let missing = wanted;
  while (missing.length > 0) {
    const before = values.size;
    await readSome(tpm, missing, values);
    if (values.size === before) throw new CollectorError('pcr-unavailable', `the TPM has no PCR ${describe(missing)}; is that bank active?`);
    missing = without(wanted, values);
  }
  return wanted.map(({ bank, indices }) => ({
    bank,
    values: Object.fromEntries(indices.map((index) => [String(index), values.get(`${bank}:${index}`) ?? ''])),
  }));
}

async function readSome(tpm: Tpm, missing: readonly PcrSelection[], values: Map<string, string>): Promise<void> {
  const { parameters } = await tpm.execute({ name: 'PCR_Read', parameters: marshalSelection(missing) });
  parameters.u32(); // update counter
  const given = unmarshalSelection(parameters).flatMap(({ bank, indices }) => indices.map((index) => ({ bank, index })));
  const count = parameters.u32();
  if (count > MAX_DIGESTS_AT_ONCE || count !== given.length) throw malformed(`${count} PCR values for ${given.length} PCRs`);
  for (const { bank, index } of given) {
    const digest = parameters.sized(64);
    const asked = missing.some((selected) => selected.bank === bank && selected.indices.includes(index));
    if (!asked || digest.length !== BANK_DIGEST_BYTES[bank]) throw malformed(`PCR ${index} of ${bank} was not asked for, or has another size`);
    values.set(`${bank}:${index}`, Buffer.from(digest).toString('hex'));
  }
  parameters.end();
}

function without(wanted: readonly PcrSelection[], values: ReadonlyMap<string, string>): readonly PcrSelection[] {
  return wanted
    .map(({ bank, indices }) => ({ bank, indices: indices.filter((index) => !values.has(`${bank}:${index}`)) }))
    .filter(({ indices }) => indices.length > 0);
}

function describe(selection: readonly PcrSelection[]): string {
  return selection.map(({ bank, indices }) => `${bank}:${indices.join(',')}`).join(' ');
}

/**
 * Extends one PCR in every active bank: SHA-256 with `digest` itself, another bank with its own hash of the digest's
 * bytes. A bank left alone could be quoted as if nothing had been measured.
 *
 * @param digest 32 bytes.
 * @throws CollectorError `measurement-invalid` for another length or a PCR that is none, `pcr-unavailable` without a SHA-256 bank.
 */
export async function extendPcr(tpm: Tpm, pcr: number, digest: Uint8Array): Promise<void> {
  requireMeasurement(pcr, digest);
  const banks = await activeBanks(tpm);
  if (!banks.includes('sha256')) throw new CollectorError('pcr-unavailable', 'the SHA-256 bank of the TPM is not active');
  const parameters = new TpmWriter().u32(banks.length);
  for (const bank of banks) parameters.u16(BANK_ALGORITHM[bank]).bytes(extensionFor(bank, digest));
  const authorizations = [passwordAuthorization()];
  const response = await tpm.execute({ name: 'PCR_Extend', handles: [pcr], authorizations, parameters: parameters.finish() });
  response.parameters.end();
}

/** What a measurement extends a bank with. */
export function extensionFor(bank: PcrBankName, digest: Uint8Array): Uint8Array {
  return bank === 'sha256' ? digest : new Uint8Array(createHash(bank).update(digest).digest());
}

/** @throws CollectorError `measurement-invalid` */
export function requireMeasurement(pcr: number, digest: Uint8Array): void {
  if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT) throw new CollectorError('measurement-invalid', 'PCR indices run from 0 to 23');
  if (!(digest instanceof Uint8Array) || digest.length !== 32) throw new CollectorError('measurement-invalid', 'a measurement is 32 bytes');
}

/** SHA-256 over the values in selection order: what a quote signs. */
export function pcrDigest(banks: readonly PcrBank[]): Uint8Array {
  const hash = createHash('sha256');
  for (const { values } of banks) {
    for (const index of Object.keys(values).sort((a, b) => Number(a) - Number(b))) hash.update(Buffer.from(values[index] ?? '', 'hex'));
  }
  return new Uint8Array(hash.digest());
}
