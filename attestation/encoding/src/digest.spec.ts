import { describe, expect, it } from '@jest/globals';
import { digestBytes, digestOf, isDigest, sha256 } from './digest.js';

const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digest', () => {
  it('hashes the parts as one message', () => {
    expect(digestOf()).toBe(EMPTY);
    expect(digestOf('ab', new Uint8Array([0x63]))).toBe(digestOf('abc'));
    expect(sha256('abc')).toHaveLength(32);
  });

  it('reads the written form and no other', () => {
    expect(digestBytes(EMPTY)).toEqual(sha256());
    expect(isDigest(EMPTY)).toBe(true);
    for (const wrong of [undefined, null, 7, '', EMPTY.toUpperCase(), EMPTY.slice(0, -1), EMPTY.slice(7), `${EMPTY}0`, `${EMPTY}\n`]) {
      expect(isDigest(wrong)).toBe(false);
      expect(() => digestBytes(wrong as string)).toThrow(RangeError);
    }
  });
});
