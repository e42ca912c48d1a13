import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { duplicateName } from './duplicate-name.js';
import { parseSafetensors, type SafetensorsHeader } from './safetensors.js';

function file(header: unknown, dataBytes: number, text = JSON.stringify(header)): Uint8Array {
  const json = Buffer.from(text);
  const bytes = Buffer.alloc(8 + json.length + dataBytes);
  bytes.writeBigUInt64LE(BigInt(json.length));
  json.copy(bytes, 8);
  return new Uint8Array(bytes);
}

function parse(bytes: Uint8Array): Promise<SafetensorsHeader> {
  return parseSafetensors({ read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) }, bytes.length);
}

const a = { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] };
const b = { dtype: 'BF16', shape: [4], data_offsets: [24, 32] };

describe('a safetensors header', () => {
  it('maps tensors to byte ranges of the file, in file order', async () => {
    const bytes = file({ b, __metadata__: { format: 'pt' }, a }, 32);
    const header = await parse(bytes);
    const start = bytes.length - 32;
    expect(header.dataOffset).toBe(start);
    expect([...header.tensors]).toEqual([
      ['a', { dtype: 'F32', shape: [2, 3], offset: start, length: 24 }],
      ['b', { dtype: 'BF16', shape: [4], offset: start + 24, length: 8 }],
    ]);
    expect([...header.metadata]).toEqual([['format', 'pt']]);
  });

  it('may be padded, empty, hold scalars, empty tensors and types below a byte', async () => {
    expect((await parse(file({}, 0, '{}      '))).tensors.size).toBe(0);
    const odd = { s: { dtype: 'I64', shape: [], data_offsets: [0, 8] }, e: { dtype: 'F32', shape: [0, 5], data_offsets: [8, 8] }, q: { dtype: 'F4', shape: [6], data_offsets: [8, 11] } };
    expect([...(await parse(file(odd, 11))).tensors.keys()]).toEqual(['s', 'e', 'q']);
  });

  it('takes any text in names and metadata', async () => {
    const text = '{"__metadata__":{"v":"-0 1.5e3 {\\"a\\":1}"},"layer-0.1e":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    expect([...(await parse(file(undefined, 1, text))).tensors.keys()]).toEqual(['layer-0.1e']);
  });

  it('takes names that objects treat specially as names', async () => {
    const text = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}';
    expect([...(await parse(file(undefined, 2, text))).tensors.keys()]).toEqual(['__proto__', 'constructor']);
  });

  const long = Buffer.alloc(16);
  long.writeBigUInt64LE(100_000_001n);
  const endless = Buffer.alloc(16, 0xff);
  const cut = Buffer.alloc(16);
  cut.writeBigUInt64LE(9n);

  it.each([
    ['no length', new Uint8Array(7), 'safetensors-truncated'],
    ['a header longer than the file', new Uint8Array(cut), 'safetensors-truncated'],
    ['a header above the limit', new Uint8Array(long), 'safetensors-header-too-large'],
    ['a header length of 2^64-1', new Uint8Array(endless), 'safetensors-header-too-large'],
    ['an empty header', file(undefined, 0, ''), 'safetensors-header-malformed'],
    ['broken JSON', file(undefined, 0, '{"a":'), 'safetensors-header-malformed'],
    ['a list', file([], 0), 'safetensors-header-malformed'],
    ['null', file(null, 0), 'safetensors-header-malformed'],
    ['leading space', file(undefined, 0, ' {}'), 'safetensors-header-malformed'],
    ['a byte order mark', file(undefined, 0, '\ufeff{}'), 'safetensors-header-malformed'],
    ['invalid UTF-8', new Uint8Array(Buffer.concat([file(undefined, 0, '{"').subarray(0, 8), Buffer.from([0x7b, 0xff])])), 'safetensors-header-malformed'],
    ['a name twice', file(undefined, 1, `{"a":${JSON.stringify(a)},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`), 'safetensors-duplicate-name'],
    ['a name twice, once escaped', file(undefined, 1, '{"a":{},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'), 'safetensors-duplicate-name'],
    ['a member twice', file(undefined, 1, '{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}'), 'safetensors-duplicate-name'],
    ['metadata that is not text', file({ __metadata__: { a: 1 } }, 0), 'safetensors-header-malformed'],
    ['metadata as a list', file({ __metadata__: [] }, 0), 'safetensors-header-malformed'],
    ['a tensor that is a number', file({ a: 1 }, 0), 'safetensors-header-malformed'],
    ['an unknown member', file({ a: { ...a, stride: [1] } }, 24), 'safetensors-header-malformed'],
    ['no dtype', file({ a: { ...a, dtype: undefined } }, 24), 'safetensors-dtype'],
    ['an unknown dtype', file({ a: { ...a, dtype: 'F31' } }, 24), 'safetensors-dtype'],
    ['a dtype every object has', file({ a: { ...a, dtype: 'toString' } }, 24), 'safetensors-dtype'],
    ['no shape', file({ a: { ...a, shape: undefined } }, 24), 'safetensors-shape'],
    ['a negative dimension', file({ a: { ...a, shape: [-2, -3] } }, 24), 'safetensors-shape'],
    ['a fractional dimension', file({ a: { ...a, shape: [1.5, 4] } }, 24), 'safetensors-header-malformed'],
    ['a dimension written as 6.0', file(undefined, 24, '{"a":{"dtype":"F32","shape":[6.0],"data_offsets":[0,24]}}'), 'safetensors-header-malformed'],
    ['an offset written as -0', file(undefined, 24, '{"a":{"dtype":"F32","shape":[6],"data_offsets":[-0,24]}}'), 'safetensors-header-malformed'],
    ['a dimension as text', file({ a: { ...a, shape: ['6'] } }, 24), 'safetensors-shape'],
    ['a shape that overflows to the right length', file({ a: { ...a, shape: [2 ** 31, 2 ** 31, 4, 6] } }, 24), 'safetensors-length'],
    ['a length that does not fit the shape', file({ a: { ...a, shape: [7] } }, 24), 'safetensors-length'],
    ['half a byte', file({ a: { dtype: 'F4', shape: [5], data_offsets: [0, 3] } }, 3), 'safetensors-length'],
    ['no offsets', file({ a: { ...a, data_offsets: undefined } }, 24), 'safetensors-header-malformed'],
    ['three offsets', file({ a: { ...a, data_offsets: [0, 24, 24] } }, 24), 'safetensors-header-malformed'],
    ['offsets backwards', file({ a: { ...a, data_offsets: [24, 0] } }, 24), 'safetensors-out-of-range'],
    ['offsets past the end', file({ a }, 23), 'safetensors-out-of-range'],
    ['overlapping tensors', file({ a, b: { ...b, data_offsets: [16, 24] } }, 24), 'safetensors-overlap'],
    ['one range for two tensors', file({ a, b: a }, 24), 'safetensors-overlap'],
    ['a hole at the start', file({ a: { ...a, data_offsets: [8, 32] } }, 32), 'safetensors-hole'],
    ['a hole in the middle', file({ a, b: { ...b, data_offsets: [25, 33] } }, 33), 'safetensors-hole'],
    ['bytes after the last tensor', file({ a }, 25), 'safetensors-hole'],
  ])('is refused with %s', async (_name, bytes, code) => {
    await expect(parse(bytes)).rejects.toMatchObject({ name: 'SealingError', code });
  });

  it('never throws anything but a SealingError on arbitrary bytes', async () => {
    const structured = fc.json().map((text) => file(undefined, 3, text));
    const raw = fc.uint8Array({ maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(structured, raw), async (bytes) => {
        const outcome = await parse(bytes).catch((error: unknown) => error as Error);
        if (outcome instanceof Error) expect(outcome.name).toBe('SealingError');
      }),
      { numRuns: 300 },
    );
  });
});

describe('duplicate names', () => {
  it('are found in one object only, at any depth, and never in values', () => {
    expect(duplicateName('{"a":{"b":1},"c":[{"b":"a"},{"b":"a"}],"d":"a"}')).toBeUndefined();
    expect(duplicateName('{"a":[{"x":1,"y":{"z":1,"z":2}}]}')).toBe('z');
    expect(duplicateName('{"a":"\\"a\\":{","a":1}')).toBe('a');
    expect(duplicateName('["a","a"]')).toBeUndefined();
  });

  it('are never seen in what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(duplicateName(JSON.stringify(JSON.parse(text)))).toBeUndefined()));
  });
});
