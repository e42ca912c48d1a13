/** A PostgreSQL bigint or numeric, which the driver gives as text, as a number that is exactly it. @throws RangeError */
export function fitsNumber(value: string | bigint | number | null | undefined): number {
  const number = value === null || value === undefined ? Number.NaN : Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError('a stored integer does not fit');
  return number;
}
