import { describe, expect, it } from '@jest/globals';
import { canonicalBytes, canonicalDigest, canonicalJson, parseCanonicalJson } from './json.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);

describe('canonical JSON (RFC 8785)', () => {
  it('sorts names by UTF-16 code unit and writes numbers as ECMAScript does', () => {
    expect(canonicalJson({ b: 1, a: [true, null, 'é\n'], '\u20ac': 0.000001, '\ufb33': 1e21 / 1e3 / 1e18 })).toBe('{"a":[true,null,"é\\n"],"b":1,"€":0.000001,"\ufb33":1}');
    expect(canonicalJson(-0)).toBe('0');
    expect(Buffer.from(canonicalBytes({ a: 1 })).toString()).toBe('{"a":1}');
    expect(canonicalDigest({ a: 1 })).toBe('sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
  });

  it('takes objects without a prototype', () => {
    expect(canonicalJson(Object.assign(Object.create(null) as object, { a: 1 }))).toBe('{"a":1}');
  });

  it.each([
    ['undefined', undefined], ['an undefined member', { a: undefined }], ['a function', { a: () => 1 }], ['a bigint', 1n], ['a symbol', Symbol('s')],
    ['an integer beyond 2^53', 2 ** 53], ['a fraction beyond measure', Number.NaN], ['infinity', [Number.POSITIVE_INFINITY]],
    ['a date', new Date(0)], ['a map', new Map()], ['bytes', new Uint8Array(1)], ['a lone surrogate', '\ud800'], ['a name with a lone surrogate', { '\udc00': 1 }],
    ['nesting deeper than 64', nest(66)],
  ])('refuses %s', (_what, value) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'json-not-canonicalizable' }));
  });

  it('carries nesting up to its bound', () => {
    expect(canonicalJson(nest(64))).toHaveLength(129);
  });
});

describe('parseCanonicalJson', () => {
  it('reads what canonicalBytes wrote', () => {
    expect(parseCanonicalJson(canonicalBytes({ b: [1, 'x'], a: null }), 100)).toEqual({ a: null, b: [1, 'x'] });
  });

  it.each([
    ['other spacing', '{"a": 1}'], ['names out of order', '{"b":1,"a":1}'], ['a name twice', '{"a":1,"a":1}'], ['another spelling of a number', '1.0'],
    ['a byte order mark', '\ufeff{}'], ['no JSON', '{'], ['nothing', ''], ['bytes after', '{}x'],
  ])('refuses %s', (_what, text) => {
    expect(() => parseCanonicalJson(bytes(text), 100)).toThrow(expect.objectContaining({ code: 'json-malformed' }));
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseCanonicalJson(new Uint8Array([0x22, 0xff, 0x22]), 100)).toThrow(expect.objectContaining({ code: 'json-malformed' }));
  });

  it('refuses more than the caller allows', () => {
    expect(() => parseCanonicalJson(bytes('{"a":1}'), 6)).toThrow(expect.objectContaining({ code: 'json-too-large' }));
  });
});
