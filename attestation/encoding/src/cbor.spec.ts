import { describe, expect, it } from '@jest/globals';
import { decodeCbor } from './cbor.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('decodeCbor', () => {
  it('reads one item', () => {
    expect(decodeCbor(hex('83010203'), 16)).toEqual([1, 2, 3]);
    expect(decodeCbor(hex('a1016161'), 16)).toEqual(new Map([[1, 'a']]));
  });

  it.each([['a key twice', 'a2616101616102'], ['bytes after the item', '0101'], ['an item cut short', '8201'], ['nothing', ''], ['nesting deeper than 16', `${'81'.repeat(40)}01`]])(
    'refuses %s',
    (_what, text) => {
      expect(() => decodeCbor(hex(text), 64)).toThrow(expect.objectContaining({ code: 'cbor-malformed' }));
    },
  );

  it('refuses more than the caller allows', () => {
    expect(() => decodeCbor(hex('83010203'), 3)).toThrow(expect.objectContaining({ code: 'cbor-too-large' }));
  });
});
