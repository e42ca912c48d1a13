import { EnclaveError } from './errors.js';

/** How many bytes may leave by one route in a window: the smaller of a share of the asset and an absolute number. */
export interface Budget {
  /** `release` is the route by which shards go to nodes. */
  readonly route: string;
  readonly window_seconds: number;
  /** Cap as a multiple of the asset's bytes. */
  readonly relative_cap: { readonly numerator: number; readonly denominator: number };
  readonly absolute_cap_bytes: number;
}

/**
 * The cap in force for an asset: min(relative, absolute), in whole bytes, rounded down, by exact integer arithmetic.
 * @throws EnclaveError `budget-invalid` when a number is no count: an unreadable cap is never taken for a large one.
 */
export function effectiveCapBytes(budget: Budget, assetBytes: number): number {
  const { numerator, denominator } = budget.relative_cap;
  const relative = (count(assetBytes) * count(numerator)) / positive(denominator);
  const absolute = count(budget.absolute_cap_bytes);
  return Number(relative < absolute ? relative : absolute);
}

/**
 * What of a model is worth stealing, after RAND ("Securing AI Model Weights", 2024): its weights at 4 bits each, and of that
 * a tenth, since a thief may do with less. Rounded down, so that caps made from it err to the strict side.
 *
 * @param weightBytes size of the weights as stored.
 * @param bitsPerWeight bits a weight takes in that storage: 16 for bfloat16.
 */
export function effectiveWeightBytes(weightBytes: number, bitsPerWeight: number): number {
  return Number((count(weightBytes) * 4n) / (positive(bitsPerWeight) * 10n));
}

function count(value: number): bigint {
  if (!Number.isSafeInteger(value) || value < 0) throw new EnclaveError('budget-invalid', 'sizes and caps are integers from 0 to 2^53-1');
  return BigInt(value);
}

function positive(value: number): bigint {
  const read = count(value);
  if (read === 0n) throw new EnclaveError('budget-invalid', 'a denominator is at least 1');
  return read;
}
