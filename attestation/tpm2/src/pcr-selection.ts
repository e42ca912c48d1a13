import { hashName, type HashName } from './algorithms.js';
import type { TpmReader } from './reader.js';

/** One TPMS_PCR_SELECTION: the PCRs of one bank, ascending. */
export interface PcrSelection {
  readonly bank: HashName;
  readonly indexes: readonly number[];
}

const MAX_BANKS = 4;
/** 32 PCRs: the PC Client profile has 24. */
const MAX_SELECT_BYTES = 4;

/** TPML_PCR_SELECTION (Part 2, section 10.9.7). A bank stands once, since a reader of the values could take either for it. */
export function readPcrSelection(reader: TpmReader): readonly PcrSelection[] {
  const count = reader.uint32();
  if (count > MAX_BANKS) throw reader.fail(`${count} PCR banks; at most ${MAX_BANKS}`);
  const selections: PcrSelection[] = [];
  for (let i = 0; i < count; i++) {
    const bank = hashName(reader.uint16());
    if (bank === undefined) throw reader.fail('PCR bank of an unknown hash');
    if (selections.some((selection) => selection.bank === bank)) throw reader.fail('a PCR bank stands twice');
    const size = reader.uint8();
    if (size > MAX_SELECT_BYTES) throw reader.fail('PCR bitmap is too long');
    selections.push({ bank, indexes: setBits(reader.take(size)) });
  }
  return selections;
}

/** PCR n is bit n mod 8 of octet n div 8. */
function setBits(bitmap: Uint8Array): readonly number[] {
  return [...bitmap].flatMap((octet, at) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => ((octet >> bit) & 1) === 1).map((bit) => at * 8 + bit));
}
