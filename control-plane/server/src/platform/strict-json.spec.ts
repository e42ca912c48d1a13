import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StrongroomError } from './errors.js';
import { parseStrictJson } from './strict-json.js';

const parse = (text: string) => parseStrictJson(Buffer.from(text));
function codeOf(text: string | Uint8Array): string {
  try {
    parseStrictJson(Buffer.from(text));
    return 'accepted';
  } catch (error) {
    return (error as StrongroomError).code;
  }
}

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads, where nothing is ambiguous', () => {
    const plain = fc.jsonValue({ maxDepth: 6 }).filter((value) => codeOf(JSON.stringify(value)) !== 'body-number' && !JSON.stringify(value).includes('__proto__'));
    fc.assert(fc.property(plain, fc.boolean(), (value, pretty) => {
      const text = JSON.stringify(value, null, pretty ? 2 : 0);
      expect(parse(text)).toEqual(JSON.parse(text));
    }));
  });

  it('refuses any name given twice, however it is spelled and wherever it stands', () => {
    fc.assert(fc.property(fc.string(), fc.array(fc.string()), (name, others) => {
      fc.pre(name !== '__proto__' && !others.includes('__proto__'));
      const escaped = [...name].map((c) => [...c.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')).join('');
      const members = [...new Set(others)].filter((other) => other !== name).map((other) => `${JSON.stringify(other)}:{}`);
      const text = `[{${[`${JSON.stringify(name)}:1`, ...members, `"${escaped}":2`].join(',')}}]`;
      expect(codeOf(text)).toBe('body-duplicate-name');
    }));
  });

  it('takes the same name in different objects, and as a value', () => {
    for (const text of ['{"a":{"a":1},"b":{"a":2}}', '[{"a":1},{"a":1}]', '{"a":"a","b":["a","a"]}', '{"x":"{\\"a\\":1,\\"a\\":2}"}']) expect(codeOf(text)).toBe('accepted');
  });

  it('refuses names that reach a prototype, in every spelling, and takes them as values', () => {
    for (const text of ['{"__proto__":1}', '{"\\u005f_proto__":1}', '[{"a":{"__proto__":{}}}]']) expect(codeOf(text)).toBe('body-forbidden-name');
    expect(codeOf('{"constructor":1}')).toBe('body-forbidden-name');
    expect(codeOf('{"a":"__proto__","b":"constructor"}')).toBe('accepted');
  });

  it('refuses numbers that a double would change', () => {
    for (const number of ['1e999', '-1e999', '9007199254740992', '-9007199254740993', '1e300', '123456789012345678901']) expect(codeOf(`[${number}]`)).toBe('body-number');
    for (const number of ['0', '-0', '9007199254740991', '1.5', '1e3', '-2.5e-3']) expect(codeOf(`{"n":${number}}`)).toBe('accepted');
  });

  it('ends at its depth, without recursion', () => {
    expect(codeOf(`${'['.repeat(32)}${']'.repeat(32)}`)).toBe('accepted');
    expect(codeOf(`${'['.repeat(33)}${']'.repeat(33)}`)).toBe('body-too-deep');
    expect(codeOf(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`)).toBe('body-too-deep');
  });

  it('reads long strings full of escapes', () => {
    expect(codeOf(JSON.stringify('\\"'.repeat(200_000)))).toBe('accepted');
  });

  it('refuses a byte order mark, invalid UTF-8 and nothing', () => {
    expect(codeOf('\ufeff{}')).toBe('body-malformed');
    expect(codeOf(new Uint8Array([0xc0, 0x80]))).toBe('body-encoding');
    expect(codeOf('')).toBe('body-malformed');
  });

  it('does not keep the body in its error', () => {
    try {
      parse('{"password": hunter2}');
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, (error as Error).cause])).not.toContain('hunter2');
    }
    expect.assertions(1);
  });
});
