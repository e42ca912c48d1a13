export const MAX_UINT64 = (1n << 64n) - 1n;

const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

/** An unsigned 64-bit number in ASCII decimal without leading zeros, or `undefined`. */
export function parseDecimal(text: string): bigint | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : undefined;
}
