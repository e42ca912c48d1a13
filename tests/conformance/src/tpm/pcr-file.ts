import type { PcrBank } from '@strongroom/attestation-model';

const BANKS = new Map<number, PcrBank['bank']>([[0x0004, 'sha1'], [0x000b, 'sha256'], [0x000c, 'sha384'], [0x000d, 'sha512']]);
const SELECTION_BYTES = 4 + 16 * 8;
const DIGEST_BYTES = 2 + 64;

/**
 * Reads the file of PCR values that tpm2_quote writes by default: its host's own little-endian memory image of a TPML_PCR_SELECTION and of
 * TPML_DIGESTs of eight. No wire format, so it lives with the vectors that use it.
 */
export function readPcrFile(bytes: Uint8Array): PcrBank[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const digests = readDigests(bytes, view);
  const banks: PcrBank[] = [];
  for (let at = 0; at < view.getUint32(0, true); at++) {
    const start = 4 + at * 8;
    const bank = BANKS.get(view.getUint16(start, true));
    if (bank === undefined) throw new Error('PCR file of an unknown bank');
    const indexes = Array.from({ length: 32 }, (_, index) => index).filter((index) => ((view.getUint8(start + 3 + (index >> 3)) >> (index & 7)) & 1) === 1);
    const values = Object.fromEntries(indexes.map((index) => [String(index), digests.shift() ?? '']));
    if (indexes.length > 0) banks.push({ bank, values });
  }
  return banks;
}

function readDigests(bytes: Uint8Array, view: DataView): string[] {
  const digests: string[] = [];
  const lists = view.getUint32(SELECTION_BYTES, true);
  for (let list = 0; list < lists; list++) {
    const start = SELECTION_BYTES + 4 + list * (4 + 8 * DIGEST_BYTES);
    for (let at = 0; at < view.getUint32(start, true); at++) {
      const digest = start + 4 + at * DIGEST_BYTES;
      digests.push(Buffer.from(bytes.subarray(digest + 2, digest + 2 + view.getUint16(digest, true))).toString('hex'));
    }
  }
  return digests;
}
