import type { PcrBank } from '@strongroom/attestation-model';
import { CollectorError } from '../errors.js';
import { malformed, TpmWriter } from './bytes.js';
import type { TpmReader } from './bytes.js';
import { TPM_ALG } from './constants.js';

export type PcrBankName = PcrBank['bank'];

/** PCRs of one bank. */
export interface PcrSelection {
  readonly bank: PcrBankName;
  /** 0 to 23, each once. */
  readonly indices: readonly number[];
}

export const BANK_ALGORITHM = { sha1: TPM_ALG.SHA1, sha256: TPM_ALG.SHA256, sha384: TPM_ALG.SHA384, sha512: TPM_ALG.SHA512 } as const;
export const BANK_DIGEST_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;
export const PCR_COUNT = 24;

const MAX_SELECTIONS = 16;
const BITMAP_BYTES = PCR_COUNT / 8;

/** The bank with this hash algorithm, or undefined when it is not one of ours. */
export function bankOf(algorithm: number): PcrBankName | undefined {
  return (Object.keys(BANK_ALGORITHM) as PcrBankName[]).find((bank) => BANK_ALGORITHM[bank] === algorithm);
}

/**
 * Checks a selection someone configured. A quote over nothing proves nothing, so an empty one is refused.
 *
 * @returns the same selection with indices ascending, which is the order of a quote's digest.
 * @throws CollectorError `pcr-selection-invalid`
 */
export function requireSelection(selection: readonly PcrSelection[]): readonly PcrSelection[] {
  const invalid = (message: string): CollectorError => new CollectorError('pcr-selection-invalid', message);
  if (selection.length === 0) throw invalid('no PCR is selected');
  if (new Set(selection.map(({ bank }) => bank)).size !== selection.length) throw invalid('a bank is selected twice');
  return selection.map(({ bank, indices }) => {
    if (!Object.hasOwn(BANK_ALGORITHM, bank)) throw invalid('a bank is unknown');
    if (indices.length === 0) throw invalid(`no PCR of ${bank} is selected`);
    if (new Set(indices).size !== indices.length) throw invalid(`a PCR of ${bank} is selected twice`);
    if (!indices.every((index) => Number.isInteger(index) && index >= 0 && index < PCR_COUNT)) throw invalid('PCR indices run from 0 to 23');
    return { bank, indices: [...indices].sort((a, b) => a - b) };
  });
}

/** TPML_PCR_SELECTION. */
export function marshalSelection(selection: readonly PcrSelection[]): Uint8Array {
  const writer = new TpmWriter().u32(selection.length);
  for (const { bank, indices } of selection) {
    const bitmap = new Uint8Array(BITMAP_BYTES);
    for (const index of indices) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
    writer.u16(BANK_ALGORITHM[bank]).u8(BITMAP_BYTES).bytes(bitmap);
  }
  return writer.finish();
}

/** Reads a TPML_PCR_SELECTION; banks we have no name for are left out. */
export function unmarshalSelection(reader: TpmReader): readonly PcrSelection[] {
  const count = reader.u32();
  if (count > MAX_SELECTIONS) throw malformed(`${count} PCR selections`);
  const selections: PcrSelection[] = [];
  for (let i = 0; i < count; i += 1) {
    const bank = bankOf(reader.u16());
    const bitmap = reader.bytes(requireBitmapSize(reader.u8()));
    if (bank !== undefined) selections.push({ bank, indices: indicesOf(bitmap) });
  }
  return selections;
}

function requireBitmapSize(size: number): number {
  if (size > 8) throw malformed('a PCR bitmap of more than 8 bytes');
  return size;
}

function indicesOf(bitmap: Uint8Array): number[] {
  return [...bitmap].flatMap((byte, at) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (1 << bit)) !== 0).map((bit) => at * 8 + bit));
}
