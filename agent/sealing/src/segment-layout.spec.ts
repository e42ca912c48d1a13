import { describe, expect, it } from '@jest/globals';
import { layoutOfCiphertext, layoutOfPlaintext, placeOfSegment, segmentAt, SEGMENT_BYTES } from './segment-layout.js';

const FIRST = SEGMENT_BYTES - 16 - 40;
const FULL = SEGMENT_BYTES - 16;

describe('segment layout', () => {
  it.each([
    [0, 1, 56],
    [1, 1, 57],
    [FIRST, 1, SEGMENT_BYTES],
    [FIRST + 1, 2, SEGMENT_BYTES + 17],
    [FIRST + FULL, 2, 2 * SEGMENT_BYTES],
    [FIRST + FULL + 1, 3, 2 * SEGMENT_BYTES + 17],
  ])('puts %i bytes into %i segments, %i bytes sealed', (plaintextBytes, segments, ciphertextBytes) => {
    expect(layoutOfPlaintext(plaintextBytes)).toEqual({ segments, plaintextBytes, ciphertextBytes });
    expect(layoutOfCiphertext(ciphertextBytes)).toEqual({ segments, plaintextBytes, ciphertextBytes });
  });

  it('places segments end to end', () => {
    const layout = layoutOfPlaintext(FIRST + FULL + 5);
    const places = [0, 1, 2].map((i) => placeOfSegment(layout, i));
    expect(places.map((p) => p.plaintextOffset)).toEqual([0, FIRST, FIRST + FULL]);
    expect(places.map((p) => p.ciphertextOffset)).toEqual([40, SEGMENT_BYTES, 2 * SEGMENT_BYTES]);
    expect(places.map((p) => p.last)).toEqual([false, false, true]);
    expect([FIRST - 1, FIRST, FIRST + FULL - 1, FIRST + FULL].map(segmentAt)).toEqual([0, 1, 1, 2]);
  });

  it.each([0, 1, 40, 55, SEGMENT_BYTES + 1, SEGMENT_BYTES + 16])('refuses %i sealed bytes as cut', (bytes) => {
    expect(() => layoutOfCiphertext(bytes)).toThrow(expect.objectContaining({ code: 'seal-truncated' }));
  });

  it('refuses more segments than the counter can number', () => {
    const most = FIRST + (0xffff_ffff - 1) * FULL;
    expect(layoutOfPlaintext(most).segments).toBe(0xffff_ffff);
    expect(() => layoutOfPlaintext(most + 1)).toThrow(expect.objectContaining({ code: 'seal-too-many-segments' }));
    expect(() => layoutOfCiphertext(0x1_0000_0000 * SEGMENT_BYTES)).toThrow(expect.objectContaining({ code: 'seal-too-many-segments' }));
  });
});
