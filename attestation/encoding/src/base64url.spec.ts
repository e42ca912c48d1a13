import { describe, expect, it } from '@jest/globals';
import { fromBase64url, toBase64url } from './base64url.js';

describe('base64url', () => {
  it('gives back the bytes it wrote, of a view too', () => {
    const bytes = new Uint8Array([0xff, 0xfb, 0, 1, 2]).subarray(1, 4);
    expect(toBase64url(bytes)).toBe('-wAB');
    expect(fromBase64url('-wAB')).toEqual(new Uint8Array([0xfb, 0, 1]));
    expect(fromBase64url('')).toEqual(new Uint8Array());
  });

  it.each([
    ['padding', 'AA=='], ['white space', 'AA A'], ['the other alphabet', '+/AA'], ['stray bits', 'AB'], ['a length no bytes have', 'AAAAA'],
    ['nothing', undefined], ['null', null], ['bytes', new Uint8Array(2)], ['a number', 12],
  ])('refuses %s', (_what, text) => {
    expect(() => fromBase64url(text)).toThrow(expect.objectContaining({ code: 'base64url-malformed' }));
  });

  it('refuses more than the caller allows, before decoding', () => {
    expect(fromBase64url(toBase64url(new Uint8Array(32)), 32)).toHaveLength(32);
    expect(() => fromBase64url(toBase64url(new Uint8Array(34)), 32)).toThrow(expect.objectContaining({ code: 'base64url-malformed' }));
  });
});
