import { malformed, TpmWriter } from './bytes.js';
import type { TpmReader } from './bytes.js';
import type { Tpm } from './command.js';
import { TPM_CAP } from './constants.js';
import { unmarshalSelection } from './pcr-selection.js';
import type { PcrBankName } from './pcr-selection.js';

const FAMILY_INDICATOR = 0x100;
const FAMILY_2_0 = 0x322e3000; // "2.0\0"
const MAX_LIST = 512;

/** TPM2_GetCapability: the chosen capability's union, unread, and whether the TPM has more of it. */
async function getCapability(tpm: Tpm, capability: number, property: number, count: number): Promise<{ readonly data: TpmReader; readonly more: boolean }> {
  const parameters = new TpmWriter().u32(capability).u32(property).u32(count).finish();
  const { parameters: data } = await tpm.execute({ name: 'GetCapability', parameters });
  const more = data.u8() !== 0;
  if (data.u32() !== capability) throw malformed('another capability than the one asked for');
  return { data, more };
}

/** Whether a TPM of family 2.0 answers. A TPM 1.2 gives an error or another family. */
export async function isTpm2(tpm: Tpm): Promise<boolean> {
  const { data } = await getCapability(tpm, TPM_CAP.TPM_PROPERTIES, FAMILY_INDICATOR, 1);
  const count = data.u32();
  if (count !== 1) return false;
  const [property, value] = [data.u32(), data.u32()];
  data.end();
  return property === FAMILY_INDICATOR && value === FAMILY_2_0;
}

/** The handles in use from `first` to `last`, ascending. */
export async function handlesBetween(tpm: Tpm, first: number, last: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let from = first, more = true; more && found.length < MAX_LIST; ) {
    const answer = await getCapability(tpm, TPM_CAP.HANDLES, from, 64);
    const handles = readHandles(answer.data);
    const inside = handles.filter((handle) => handle >= from && handle <= last);
    found.push(...inside);
    more = answer.more && inside.length === handles.length && inside.length > 0;
    from = (found.at(-1) ?? from) + 1;
  }
  return found;
}

function readHandles(data: TpmReader): readonly number[] {
  const count = data.u32();
  if (count > MAX_LIST) throw malformed(`${count} handles`);
  const handles = Array.from({ length: count }, () => data.u32());
  data.end();
  return handles;
}

/** The PCR banks that are switched on, of those we have names for. */
export async function activeBanks(tpm: Tpm): Promise<readonly PcrBankName[]> {
  const { data } = await getCapability(tpm, TPM_CAP.PCRS, 0, 1);
  const selections = unmarshalSelection(data);
  data.end();
  return selections.filter(({ indices }) => indices.length > 0).map(({ bank }) => bank);
}
