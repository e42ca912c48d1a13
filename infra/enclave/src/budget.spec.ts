import { describe, expect, it } from '@jest/globals';
import { effectiveCapBytes, effectiveWeightBytes, type Budget } from './budget.js';

const budget = (numerator: number, denominator: number, absolute_cap_bytes: number): Budget => ({
  route: 'release',
  window_seconds: 86_400,
  relative_cap: { numerator, denominator },
  absolute_cap_bytes,
});

describe('the cap in force', () => {
  it.each([
    ['is the share of the asset when that is smaller', budget(1, 100, 1_000), 10_000, 100],
    ['is the absolute number when that is smaller', budget(3, 1, 1_000), 10_000, 1_000],
    ['rounds down', budget(1, 3, 1_000), 100, 33],
    ['is nothing for a share of nothing', budget(0, 1, 1_000), 100, 0],
    ['is nothing for an absolute cap of nothing', budget(1, 1, 0), 100, 0],
    ['is exact where a product passes 2^53', budget(9_007_199_254_740_991, 1_000_000_000, Number.MAX_SAFE_INTEGER), 999_999_999, 9_007_199_245_733_791],
  ])('%s', (_, given, assetBytes, expected) => {
    expect(effectiveCapBytes(given, assetBytes)).toBe(expected);
  });

  it.each([
    ['a negative size', budget(1, 1, 1), -1],
    ['a fraction', budget(1, 1, 1), 0.5],
    ['no number', budget(1, 1, 1), Number.NaN],
    ['infinity', budget(1, 1, 1), Number.POSITIVE_INFINITY],
    ['a size beyond 2^53', budget(1, 1, 1), 2 ** 60],
    ['a denominator of 0', budget(1, 0, 1), 1],
    ['a negative cap', budget(1, 1, -1), 1],
  ])('is not made up for %s', (_, given, assetBytes) => {
    expect(() => effectiveCapBytes(given, assetBytes)).toThrow(expect.objectContaining({ code: 'budget-invalid' }));
  });
});

describe('the effective size of weights', () => {
  it.each([
    ['a trillion parameters at 16 bits', 2_000_000_000_000, 16, 50_000_000_000],
    ['the same at 4 bits', 500_000_000_000, 4, 50_000_000_000],
    ['a small file, rounded down', 15, 16, 0],
  ])('of %s', (_, bytes, bits, expected) => {
    expect(effectiveWeightBytes(bytes, bits)).toBe(expected);
  });

  it('is not made up for weights of 0 bits', () => {
    expect(() => effectiveWeightBytes(1, 0)).toThrow(expect.objectContaining({ code: 'budget-invalid' }));
  });
});
