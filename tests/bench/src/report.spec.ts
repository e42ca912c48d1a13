import { describe, expect, it } from '@jest/globals';
import { compare, type Bench } from './bench.js';
import { benches } from './benches/index.js';
import { selectBenches, table } from './report.js';

const reference = { name: 'limit', value: 4, unit: 'GB/s' };
const named = (name: string): Bench => ({ name, run: () => Promise.resolve(compare(name, 1, 'GB/s', reference)) });

describe('a bench record', () => {
  it('carries the ratio to its reference', () => {
    expect(compare('a.b', 3, 'GB/s', reference)).toEqual({ name: 'a.b', value: 3, unit: 'GB/s', reference, ratio: 0.75 });
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses %d as a measurement', (value) => {
    expect(() => compare('a', value, 'GB/s', reference)).toThrow(RangeError);
    expect(() => compare('a', 1, 'GB/s', { ...reference, value })).toThrow(RangeError);
  });

  it('is printed in columns', () => {
    const lines = table([compare('a.b', 3, 'GB/s', reference), compare('long.name', 1234.5, '/s', { name: 'peer', value: 2469, unit: '/s' })]).split('\n');
    expect(lines[1]).toBe('a.b        3.00 GB/s  4.00 GB/s  0.75   limit');
    expect(lines[2]).toBe('long.name  1235 /s    2469 /s    0.50   peer');
  });
});

describe('choosing benches', () => {
  it('takes all, one, or an area', () => {
    const all = ['sealing.seal', 'sealing.open', 'sealingwax.x'].map(named);
    expect(selectBenches(all, undefined)).toHaveLength(3);
    expect(selectBenches(all, 'sealing').map(({ name }) => name)).toEqual(['sealing.seal', 'sealing.open']);
    expect(selectBenches(all, 'sealing.open')).toHaveLength(1);
    expect(selectBenches(all, 'nothing')).toEqual([]);
  });

  it('names each bench once', () => {
    const names = benches.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
