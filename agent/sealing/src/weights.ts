import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileReader } from './byte-reader.js';
import { SealingError } from './errors.js';
import { parseSafetensors, type SafetensorsHeader, type Tensor } from './safetensors.js';
import { INDEX_FILE, readWeightIndex, shardFiles } from './weight-index.js';

/** One file of weights, read as far as its header. */
export interface WeightShard {
  /** From 0, in path order. */
  readonly index: number;
  /** Relative to the folder, `/` between its parts. */
  readonly path: string;
  /** Where it is now, links resolved. */
  readonly file: string;
  readonly bytes: number;
  readonly header: SafetensorsHeader;
}

export interface LocatedTensor extends Tensor {
  /** Index of the shard that holds it. */
  readonly shard: number;
}

export interface Weights {
  readonly shards: readonly WeightShard[];
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  readonly totalBytes: number;
}

/**
 * Reads a model: one `.safetensors` file, a folder with exactly one, or a folder with shards and their index. The index
 * must name every tensor of every shard where it is, and every safetensors file of the folder; numbering must be complete;
 * nothing may lead out of the folder. Tensor data is not read.
 * @throws SealingError `weights-*` | `safetensors-*`
 */
export async function readWeights(path: string): Promise<Weights> {
  const found = await realpath(path).catch((cause: unknown) => Promise.reject(new SealingError('weights-absent', `nothing to read at ${path}`, { cause })));
  const folder = (await stat(found)).isDirectory() ? found : dirname(found);
  if (folder !== found) return gather([await readShard(folder, basename(found), 0)]);
  const files = (await readdir(folder, { withFileTypes: true })).map(({ name }) => name);
  const present = files.filter((name) => name.endsWith('.safetensors')).sort();
  if (!files.includes(INDEX_FILE)) return gather([await readShard(folder, onlyOne(present), 0)]);
  const weightMap = await readWeightIndex(await inside(folder, INDEX_FILE));
  const named = shardFiles(weightMap);
  const stray = present.find((name) => !named.includes(name));
  if (stray !== undefined) throw new SealingError('weights-index', `${stray} is in the folder but not in the index`);
  const shards: WeightShard[] = [];
  for (const [index, name] of named.entries()) shards.push(await readShard(folder, name, index));
  const weights = gather(shards);
  verifyIndex(weightMap, weights);
  return weights;
}

async function readShard(folder: string, path: string, index: number): Promise<WeightShard> {
  const file = await inside(folder, path);
  const handle = await open(file, 'r');
  try {
    const { size: bytes } = await handle.stat();
    return { index, path: path.split(sep).join('/'), file, bytes, header: await parseSafetensors(fileReader(handle), bytes) };
  } finally {
    await handle.close();
  }
}

/** The real place of a regular file under `folder`, which is itself already resolved. */
async function inside(folder: string, path: string): Promise<string> {
  const file = await realpath(join(folder, path)).catch((cause: unknown) => Promise.reject(new SealingError('weights-absent', `${path} is missing`, { cause })));
  const way = relative(folder, file);
  if (way.startsWith(`..${sep}`) || way === '..') throw new SealingError('weights-path', `${path} leads out of its folder`);
  if (!(await lstat(file)).isFile()) throw new SealingError('weights-path', `${path} is not a regular file`);
  return file;
}

function onlyOne(present: readonly string[]): string {
  const [only, ...others] = present;
  if (only === undefined) throw new SealingError('weights-absent', 'the folder holds no .safetensors file');
  if (others.length > 0) throw new SealingError('weights-index', `several .safetensors files and no ${INDEX_FILE}`);
  return only;
}

function gather(shards: readonly WeightShard[]): Weights {
  const tensors = new Map<string, LocatedTensor>();
  for (const { index, path, header } of shards) {
    for (const [name, tensor] of header.tensors) {
      if (tensors.has(name)) throw new SealingError('weights-index', `${JSON.stringify(name)} of ${path} is in another shard too`);
      tensors.set(name, { ...tensor, shard: index });
    }
  }
  return { shards, tensors, totalBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function verifyIndex(weightMap: ReadonlyMap<string, string>, { shards, tensors }: Weights): void {
  for (const [name, path] of weightMap) {
    const tensor = tensors.get(name);
    if (tensor === undefined || shards[tensor.shard]?.path !== path) {
      throw new SealingError('weights-index', `the index puts ${JSON.stringify(name)} into ${path}, which does not hold it`);
    }
  }
  for (const name of tensors.keys()) {
    if (!weightMap.has(name)) throw new SealingError('weights-index', `the index does not name ${JSON.stringify(name)}`);
  }
}
