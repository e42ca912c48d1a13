import { createCipheriv, createHash, type Cipher } from 'node:crypto';
import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { decoderTensors, tensorBytes, type PlannedTensor } from './model-plan.js';
import { INDEX_FILE } from './weight-index.js';

export interface GenerateModelOptions {
  readonly folder: string;
  /** Default 2. One shard makes a single file without an index. */
  readonly shards?: number;
  /** Tensor data, reached to within one row of the vocabulary. Default 64 MiB, at least 512 KiB. */
  readonly totalBytes?: number;
  /** Same seed, same bytes. */
  readonly seed: string;
}

export interface GeneratedModel {
  readonly files: readonly string[];
  readonly totalBytes: number;
}

const CHUNK_BYTES = 1_048_576;

/**
 * Writes a small decoder model in safetensors form, for demonstrations and tests: tensor names, shapes and types of a real
 * one, values in the range of trained weights, no training behind them. Not durable, and existing files are replaced.
 */
export async function generateModel(options: GenerateModelOptions): Promise<GeneratedModel> {
  const { folder, shards = 2, totalBytes = 64 * 1_048_576, seed } = options;
  const parts = splitEvenly(decoderTensors(totalBytes), shards);
  const files = parts.map((_, i) => (shards === 1 ? 'model.safetensors' : `model-${numbered(i + 1)}-of-${numbered(shards)}.safetensors`));
  await mkdir(folder, { recursive: true });
  const weightMap: Record<string, string> = {};
  let written = 0;
  for (const [i, tensors] of parts.entries()) {
    const file = files[i] ?? '';
    written += await writeShard(join(folder, file), tensors, `${seed}/${file}`);
    for (const { name } of tensors) weightMap[name] = file;
  }
  const index = { metadata: { total_size: parts.flat().reduce((sum, tensor) => sum + tensorBytes(tensor), 0) }, weight_map: weightMap };
  if (shards > 1) await writeFile(join(folder, INDEX_FILE), `${JSON.stringify(index, undefined, 2)}\n`);
  return { files, totalBytes: written };
}

/** Cuts the list into runs of about the same size, none empty. */
function splitEvenly(tensors: readonly PlannedTensor[], shards: number): PlannedTensor[][] {
  if (!Number.isInteger(shards) || shards < 1 || shards > tensors.length) throw new RangeError(`1 to ${tensors.length} shards`);
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const parts: PlannedTensor[][] = Array.from({ length: shards }, () => []);
  let [part, filled] = [0, 0];
  for (const [i, tensor] of tensors.entries()) {
    const current = parts[part];
    const full = filled >= (total * (part + 1)) / shards;
    const mustMove = tensors.length - i <= shards - part - 1;
    if (current !== undefined && current.length > 0 && part < shards - 1 && (full || mustMove)) part++;
    parts[part]?.push(tensor);
    filled += tensorBytes(tensor);
  }
  return parts;
}

async function writeShard(path: string, tensors: readonly PlannedTensor[], seed: string): Promise<number> {
  // Widest type first keeps every tensor aligned, as upstream writes them.
  const ordered = [...tensors].sort((a, b) => (a.dtype === b.dtype ? (a.name < b.name ? -1 : 1) : a.dtype === 'F32' ? -1 : 1));
  const header = headerOf(ordered);
  const stream = createCipheriv('aes-256-ctr', createHash('sha256').update(`strongroom/generated-model/${seed}`).digest(), Buffer.alloc(16));
  const file = await open(path, 'w');
  try {
    await file.write(header);
    for (const tensor of ordered) await writeValues(file, tensor, stream);
  } finally {
    await file.close();
  }
  return header.length + ordered.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}

function headerOf(tensors: readonly PlannedTensor[]): Buffer {
  const members: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const tensor of tensors) {
    const end = at + tensorBytes(tensor);
    members[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] };
    at = end;
  }
  const json = JSON.stringify(members);
  const text = json.padEnd(json.length + ((8 - (json.length % 8)) % 8), ' ');
  const header = Buffer.alloc(8 + text.length);
  header.writeBigUInt64LE(BigInt(text.length));
  header.write(text, 8, 'latin1');
  return header;
}

async function writeValues(file: FileHandle, tensor: PlannedTensor, stream: Cipher): Promise<void> {
  for (let left = tensorBytes(tensor); left > 0; left -= CHUNK_BYTES) {
    const random = stream.update(Buffer.alloc(Math.min(left, CHUNK_BYTES)));
    shapeValues(random, tensor.dtype);
    await file.write(random);
  }
}

/** Turns random bits into values: BF16 with a magnitude in [2^-7, 2^-5) and either sign, F32 in [1, 2). */
function shapeValues(bytes: Buffer, dtype: PlannedTensor['dtype']): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const [keep, set] = dtype === 'BF16' ? [0x80ff_80ff, 0x3c00_3c00] : [0x007f_ffff, 0x3f80_0000];
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] ?? 0) & keep) | set;
}

function numbered(n: number): string {
  return String(n).padStart(5, '0');
}
