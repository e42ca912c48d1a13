import { createHash } from 'node:crypto';

/** Writes TPM structures for the fakes. Kept apart from the verifier's reader, so that a shared mistake cannot hide. */
export const TPM_IDS = { sha1: 0x0004, sha256: 0x000b, sha384: 0x000c, sha512: 0x000d } as const;
export type FakeBank = keyof typeof TPM_IDS;
export const BANK_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => Buffer.from([value >>> 8, value & 0xff]);
export const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);
export const u64 = (value: bigint): Buffer => Buffer.concat([u32(Number(value >> 32n)), u32(Number(value & 0xffff_ffffn))]);
export const tpm2b = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

/** TPMA_OBJECT bits by name. */
export const ATTRIBUTES = {
  fixedTpm: 1 << 1, fixedParent: 1 << 4, sensitiveDataOrigin: 1 << 5, userWithAuth: 1 << 6, adminWithPolicy: 1 << 7,
  restricted: 1 << 16, decrypt: 1 << 17, sign: 1 << 18,
} as const;
export type AttributeName = keyof typeof ATTRIBUTES;

export function attributeBits(names: readonly AttributeName[]): number {
  return names.reduce((bits, name) => bits | ATTRIBUTES[name], 0);
}

/** TPML_PCR_SELECTION with three-octet bitmaps, as the PC Client profile has them. */
export function pcrSelection(banks: readonly { readonly bank: FakeBank; readonly indexes: readonly number[] }[]): Buffer {
  const lists = banks.map(({ bank, indexes }) => {
    const bitmap = Buffer.alloc(3);
    for (const index of indexes) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
    return Buffer.concat([u16(TPM_IDS[bank]), u8(bitmap.length), bitmap]);
  });
  return Buffer.concat([u32(banks.length), ...lists]);
}

/** Name of an object: algorithm id ‖ digest of its public area. */
export function objectName(publicArea: Uint8Array, hash: 'sha256' | 'sha384' = 'sha256'): Buffer {
  return Buffer.concat([u16(TPM_IDS[hash]), createHash(hash).update(publicArea).digest()]);
}
