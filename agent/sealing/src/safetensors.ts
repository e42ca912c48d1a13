import { duplicateName } from './duplicate-name.js';
import { SealingError, type SealingErrorCode } from './errors.js';
import type { ByteReader } from './byte-reader.js';

/** Upstream's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** Bits of one element. */
const DTYPE_BITS = {
  BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E5M2FNUZ: 8, F8_E4M3FNUZ: 8,
  I16: 16, U16: 16, F16: 16, BF16: 16,
  I32: 32, U32: 32, F32: 32,
  I64: 64, U64: 64, F64: 64, C64: 64,
  F4: 4, F6_E2M3: 6, F6_E3M2: 6,
} as const;

export type Dtype = keyof typeof DTYPE_BITS;

/** One tensor. `offset` counts from the start of the file, header included. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

export interface SafetensorsHeader {
  /** In file order. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Where tensor data starts. */
  readonly dataOffset: number;
}

/**
 * Reads the header of a safetensors file of `fileBytes` bytes. Proves that the tensors' ranges cover all data once: in
 * range, no overlap, no hole, each as long as dtype and shape say. Stricter than upstream in what has two readings:
 * duplicate names, unknown members, space before the header. Reads no tensor data and does not check alignment.
 * @throws SealingError `safetensors-truncated` | `-header-too-large` | `-header-malformed` | `-duplicate-name` | `-dtype` |
 *   `-shape` | `-length` | `-out-of-range` | `-overlap` | `-hole`, or the reader's own
 * @see https://github.com/huggingface/safetensors#format
 */
export async function parseSafetensors(reader: ByteReader, fileBytes: number): Promise<SafetensorsHeader> {
  if (fileBytes < LENGTH_BYTES) throw refusal('truncated', `${fileBytes} bytes hold no header length`);
  const prefix = await reader.read(0, LENGTH_BYTES);
  const headerBytes = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (headerBytes > BigInt(MAX_HEADER_BYTES)) throw refusal('header-too-large', `header of ${headerBytes} bytes; at most ${MAX_HEADER_BYTES}`);
  const dataOffset = LENGTH_BYTES + Number(headerBytes);
  if (dataOffset > fileBytes) throw refusal('truncated', `the header ends at ${dataOffset}, the file at ${fileBytes}`);
  const header = parseHeaderJson(await reader.read(LENGTH_BYTES, Number(headerBytes)));
  return { ...tensorsOf(header, dataOffset, fileBytes), dataOffset };
}

function parseHeaderJson(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new SealingError('safetensors-header-malformed', 'header is not UTF-8 JSON', { cause });
  }
  if (!text.startsWith('{') || !isObject(value)) throw refusal('header-malformed', 'header is not a JSON object');
  if (hasOtherNumbers(text)) throw refusal('header-malformed', 'header holds a number that is not a plain integer');
  const twice = duplicateName(text);
  if (twice !== undefined) throw refusal('duplicate-name', `${JSON.stringify(twice)} occurs twice`);
  return value;
}

/** JSON.parse reads 1.0, 1e0 and -0 as integers; upstream's reader refuses them, and so must we. */
function hasOtherNumbers(json: string): boolean {
  return /-0|\d[.eE]/.test(json.replace(/"(?:[^"\\]|\\.)*"/g, '""'));
}

function tensorsOf(header: Record<string, unknown>, dataOffset: number, fileBytes: number): Pick<SafetensorsHeader, 'tensors' | 'metadata'> {
  const { __metadata__: metadata, ...rest } = header;
  const tensors = Object.entries(rest).map(([name, info]) => [name, parseTensor(name, info, dataOffset, fileBytes)] as const);
  tensors.sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  let end = dataOffset;
  for (const [name, { offset, length }] of tensors) {
    if (offset < end) throw refusal('overlap', `${JSON.stringify(name)} overlaps the tensor before it`);
    if (offset > end) throw refusal('hole', `${offset - end} bytes before ${JSON.stringify(name)} belong to no tensor`);
    end = offset + length;
  }
  if (end !== fileBytes) throw refusal('hole', `${fileBytes - end} bytes after the last tensor belong to none`);
  return { tensors: new Map(tensors), metadata: parseMetadata(metadata) };
}

function parseTensor(name: string, info: unknown, dataOffset: number, fileBytes: number): Tensor {
  const label = JSON.stringify(name);
  if (!isObject(info)) throw refusal('header-malformed', `${label} is not described by an object`);
  const { dtype, shape, data_offsets: offsets, ...unknown } = info;
  if (Object.keys(unknown).length > 0) throw refusal('header-malformed', `${label} has members that safetensors does not know`);
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BITS, dtype)) throw refusal('dtype', `${label} has no known dtype`);
  if (!isCounts(shape)) throw refusal('shape', `the shape of ${label} is not a list of non-negative integers`);
  if (!isCounts(offsets) || offsets.length !== 2) throw refusal('header-malformed', `the data_offsets of ${label} are not two integers`);
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > fileBytes - dataOffset) throw refusal('out-of-range', `${label} lies outside the file's data`);
  if (BigInt(end - begin) * 8n !== bitsOf(dtype as Dtype, shape)) throw refusal('length', `${label} has ${end - begin} bytes, not what its dtype and shape need`);
  return { dtype: dtype as Dtype, shape, offset: dataOffset + begin, length: end - begin };
}

/** Exact: a shape whose product overflows must not wrap round to a small length. */
function bitsOf(dtype: Dtype, shape: readonly number[]): bigint {
  return shape.reduce((product, dimension) => product * BigInt(dimension), BigInt(DTYPE_BITS[dtype]));
}

function parseMetadata(metadata: unknown): Map<string, string> {
  if (metadata === undefined) return new Map();
  if (!isObject(metadata)) throw refusal('header-malformed', '__metadata__ is not an object');
  const entries = Object.entries(metadata);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw refusal('header-malformed', '__metadata__ holds something other than text');
  }
  return new Map(entries);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

type Suffix<C> = C extends `safetensors-${infer S}` ? S : never;

function refusal(suffix: Suffix<SealingErrorCode>, message: string): SealingError {
  return new SealingError(`safetensors-${suffix}`, message);
}
