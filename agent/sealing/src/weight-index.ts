import { readFile, stat } from 'node:fs/promises';
import { duplicateName } from './duplicate-name.js';
import { SealingError } from './errors.js';

export const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 100_000_000;
const SHARD_NAME = /^([A-Za-z0-9][A-Za-z0-9._-]*)-(\d{5})-of-(\d{5})\.safetensors$/;

/** Tensor name → shard file, as the index states it. @throws SealingError `weights-index` */
export async function readWeightIndex(file: string): Promise<Map<string, string>> {
  if ((await stat(file)).size > MAX_INDEX_BYTES) throw fault(`${INDEX_FILE} is larger than ${MAX_INDEX_BYTES} bytes`);
  const bytes = await readFile(file);
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new SealingError('weights-index', `${INDEX_FILE} is not UTF-8 JSON`, { cause });
  }
  const twice = duplicateName(text);
  if (twice !== undefined) throw fault(`${JSON.stringify(twice)} occurs twice in ${INDEX_FILE}`);
  const map: unknown = (value as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw fault(`${INDEX_FILE} has no weight_map`);
  const entries = Object.entries(map as Record<string, unknown>);
  if (entries.length === 0) throw fault('the weight_map is empty');
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) throw fault('the weight_map holds something other than text');
  return new Map(entries);
}

/**
 * The shard files of an index in path order. The names themselves are checked here, so no separator and no `..` gets through.
 * @throws SealingError `weights-path` | `weights-numbering`
 */
export function shardFiles(weightMap: ReadonlyMap<string, string>): string[] {
  const names = [...new Set(weightMap.values())].sort();
  const parts = names.map((name) => {
    const match = SHARD_NAME.exec(name);
    if (match === null) throw new SealingError('weights-path', `${JSON.stringify(name)} is not the name of a numbered shard`);
    const [, stem = '', number = '', count = ''] = match;
    return { stem, number: Number(number), count: Number(count) };
  });
  const complete = parts.every(({ stem, number, count }, i) => stem === parts[0]?.stem && number === i + 1 && count === parts.length);
  if (!complete) throw new SealingError('weights-numbering', `the shards ${names.join(', ')} are not numbered 1 to n of n`);
  return names;
}

function fault(message: string): SealingError {
  return new SealingError('weights-index', message);
}
