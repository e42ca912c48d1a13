import { describe, expect, it } from '@jest/globals';
import { isPrivate, overlaps, parseCidr, type CidrRange } from './cidr.js';

const range = (text: string): CidrRange => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};

describe('an IPv4 range', () => {
  it('is read as numbers', () => {
    expect(parseCidr('10.80.0.64/26')).toEqual({ first: 0x0a500040, last: 0x0a50007f, prefix: 26 });
    expect(parseCidr('0.0.0.0/0')).toEqual({ first: 0, last: 0xffffffff, prefix: 0 });
  });

  it.each(['', '10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '256.0.0.0/8', '010.0.0.0/8', '10.0.0.0/08', '10.0.0/24', '10.0.0.0/24 ', '::/0', '10.0.0.0/-1'])('is not %j', (text) => {
    expect(parseCidr(text)).toBeNull();
  });

  it.each([
    ['10.0.0.0/24', '10.0.0.128/25', true],
    ['10.0.0.0/25', '10.0.0.128/25', false],
    ['10.0.0.0/8', '10.255.255.0/24', true],
    ['10.0.0.0/8', '11.0.0.0/8', false],
  ])('%s and %s share addresses: %s', (one, other, expected) => {
    expect(overlaps(range(one), range(other))).toBe(expected);
    expect(overlaps(range(other), range(one))).toBe(expected);
  });

  it.each([
    ['10.0.0.0/8', true],
    ['172.31.255.0/24', true],
    ['172.32.0.0/16', false],
    ['192.168.1.0/24', true],
    ['192.0.0.0/8', false],
    ['8.8.8.0/24', false],
    ['0.0.0.0/0', false],
  ])('%s is private: %s', (text, expected) => {
    expect(isPrivate(range(text))).toBe(expected);
  });
});
