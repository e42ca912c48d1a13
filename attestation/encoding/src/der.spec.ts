import { describe, expect, it } from '@jest/globals';
import { derBits, derBoolean, derChildren, derOid, derSize, derSmallInteger, derTime, parseDer } from './der.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const read = (text: string): ReturnType<typeof parseDer> => parseDer(hex(text), 1024);
const time = (tag: string, text: string): ReturnType<typeof parseDer> => read(`${tag}${Buffer.from([text.length]).toString('hex')}${Buffer.from(text).toString('hex')}`);
const malformed = expect.objectContaining({ code: 'der-malformed' });

describe('parseDer', () => {
  it('reads an element and its children without copying', () => {
    const element = read('30060101ff020105');
    expect(element.tag).toBe(0x30);
    expect(derChildren(element).map(({ tag }) => tag)).toEqual([1, 2]);
    expect(element.raw.buffer).toBe(element.content.buffer);
    expect(parseDer(hex(`048180${'00'.repeat(128)}`), 1024).content).toHaveLength(128);
    expect(parseDer(hex(`04820100${'00'.repeat(256)}`), 1024).content).toHaveLength(256);
  });

  it.each([
    ['nothing', ''], ['a tag alone', '30'], ['an indefinite length', '30800000'], ['a length of four octets', '048400000001ff'], ['a length cut short', '0482'],
    ['a length with a needless octet', '04810100'], ['a long form that is not minimal', '0482007f00'], ['content cut short', '040200'], ['bytes after', '040000'],
    ['a tag of several octets', '1f810000'],
  ])('refuses %s', (_what, text) => {
    expect(() => read(text)).toThrow(malformed);
  });

  it('refuses more than the caller allows', () => {
    expect(() => parseDer(hex('04020000'), 3)).toThrow(expect.objectContaining({ code: 'der-too-large' }));
  });

  it('measures the first element, whatever follows', () => {
    expect(derSize(hex('040100ffff'))).toBe(3);
    expect(() => derSize(hex('0402'))).toThrow(malformed);
  });

  it('refuses children of a primitive element, and too many', () => {
    expect(() => derChildren(read('0400'))).toThrow(malformed);
    expect(() => derChildren(parseDer(hex(`30820202${'0500'.repeat(257)}`), 1024))).toThrow(malformed);
  });
});

describe('DER values', () => {
  it('reads object identifiers', () => {
    expect(derOid(read('06056781050801'))).toBe('2.23.133.8.1');
    expect(derOid(read('0603551d13'))).toBe('2.5.29.19');
    expect(derOid(read('06092a864886f70d01010b'))).toBe('1.2.840.113549.1.1.11');
    expect(derOid(read('060100'))).toBe('0.0');
  });

  it.each(['0600', '060180', '0602802a', '0606908080808000', '020101', `0641${'01'.repeat(65)}`])('refuses the object identifier %s', (text) => {
    expect(() => derOid(read(text))).toThrow(malformed);
  });

  it('reads bit strings and refuses impossible ones', () => {
    expect(derBits(read('03020780'))).toEqual({ bytes: hex('80'), unused: 7 });
    for (const text of ['0300', '03020880', '030101', '0400']) expect(() => derBits(read(text))).toThrow(malformed);
  });

  it('reads booleans in their DER forms alone', () => {
    expect(derBoolean(read('0101ff'))).toBe(true);
    expect(derBoolean(read('010100'))).toBe(false);
    for (const text of ['010101', '0100', '0102ffff', '020101']) expect(() => derBoolean(read(text))).toThrow(malformed);
  });

  it('reads small integers and refuses others', () => {
    expect(derSmallInteger(read('020100'))).toBe(0);
    expect(derSmallInteger(read('02020080'))).toBe(128);
    for (const text of ['0200', '0201ff', '02020001', '02050100000000', '0400']) expect(() => derSmallInteger(read(text))).toThrow(malformed);
  });

  it('reads both times, with the century of RFC 5280', () => {
    expect(derTime(time('17', '491231235959Z')).toISOString()).toBe('2049-12-31T23:59:59.000Z');
    expect(derTime(time('17', '500101000000Z')).toISOString()).toBe('1950-01-01T00:00:00.000Z');
    expect(derTime(time('18', '99991231235959Z')).toISOString()).toBe('9999-12-31T23:59:59.000Z');
  });

  it.each([['17', '260230000000Z'], ['17', '2601010000Z'], ['17', '260101000000+0100'], ['18', '20260101000000'], ['18', '20261301000000Z'], ['04', '260101000000Z']])('refuses the time %s %s', (tag, text) => {
    expect(() => derTime(time(tag, text))).toThrow(malformed);
  });
});
