import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TpmReader } from './bytes.js';
import { marshalSelection, requireSelection, unmarshalSelection } from './pcr-selection.js';
import type { PcrBankName, PcrSelection } from './pcr-selection.js';

const BANKS: readonly PcrBankName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

describe('a PCR selection', () => {
  it('is written as TPML_PCR_SELECTION', () => {
    expect(Buffer.from(marshalSelection([{ bank: 'sha256', indices: [0, 1, 2, 3, 4, 5, 6, 7, 15] }])).toString('hex')).toBe('00000001000b03ff8000');
  });

  it('is read as it was written', () => {
    const selection = fc.uniqueArray(
      fc.record({ bank: fc.constantFrom(...BANKS), indices: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1 }) }),
      { minLength: 1, selector: ({ bank }) => bank },
    );
    fc.assert(fc.property(selection, (given) => {
      const reader = new TpmReader(marshalSelection(given));
      expect(unmarshalSelection(reader)).toEqual(requireSelection(given));
      reader.end();
    }), { numRuns: 200, seed: 20261122 });
  });

  it.each<[string, readonly PcrSelection[]]>([
    ['nothing', []],
    ['a bank without PCRs', [{ bank: 'sha256', indices: [] }]],
    ['a bank twice', [{ bank: 'sha256', indices: [0] }, { bank: 'sha256', indices: [1] }]],
    ['a PCR twice', [{ bank: 'sha256', indices: [0, 0] }]],
    ['PCR 24', [{ bank: 'sha256', indices: [24] }]],
    ['half a PCR', [{ bank: 'sha256', indices: [0.5] }]],
    ['an unknown bank', [{ bank: 'md5' as PcrBankName, indices: [0] }]],
  ])('of %s is refused', (_name, selection) => {
    expect(() => requireSelection(selection)).toThrow(expect.objectContaining({ code: 'pcr-selection-invalid' }));
  });
});
