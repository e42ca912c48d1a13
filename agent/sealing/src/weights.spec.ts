import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generateModel } from './generate-model.js';
import { readWeights } from './weights.js';
import { scratchFolder, sha256Of } from './testing/scratch.js';

const INDEX = 'model.safetensors.index.json';
const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let folder: string;
beforeAll(async () => void (scratch = await scratchFolder()));
beforeEach(async () => {
  folder = scratch.path('model');
  await rm(folder, { recursive: true, force: true });
  await generateModel({ folder, shards: 2, totalBytes: 600_000, seed: 'weights' });
});
afterAll(() => scratch.remove());

async function changeIndex(change: (map: Record<string, unknown>) => unknown): Promise<void> {
  const index = JSON.parse(await readFile(join(folder, INDEX), 'utf8')) as { weight_map: Record<string, unknown> };
  await writeFile(join(folder, INDEX), JSON.stringify({ ...index, weight_map: change(index.weight_map) }));
}

describe('a generated model', () => {
  it('is valid, of the size asked for, and the same for the same seed', async () => {
    const weights = await readWeights(folder);
    expect(weights.shards.map(({ index, path }) => [index, path])).toEqual([[0, FIRST], [1, SECOND]]);
    expect(weights.totalBytes).toBeGreaterThan(598_000);
    expect(weights.totalBytes).toBeLessThan(604_000);
    expect(weights.tensors.get('model.norm.weight')).toMatchObject({ dtype: 'F32' });
    expect(weights.tensors.get('model.layers.0.mlp.gate_proj.weight')).toMatchObject({ dtype: 'BF16', shape: [256, 64] });
    const digest = async (): Promise<string> => sha256Of(await readFile(join(folder, SECOND)));
    const before = await digest();
    await generateModel({ folder, shards: 2, totalBytes: 600_000, seed: 'weights' });
    expect(await digest()).toBe(before);
    await generateModel({ folder, shards: 2, totalBytes: 600_000, seed: 'other' });
    expect(await digest()).not.toBe(before);
  });

  it.each([1, 3, 5])('can have %i shards', async (shards) => {
    const other = scratch.path(`model-${shards}`);
    await generateModel({ folder: other, shards, totalBytes: 2_000_000, seed: 's' });
    const weights = await readWeights(other);
    expect(weights.shards).toHaveLength(shards);
    expect(weights.totalBytes).toBeGreaterThan(1_990_000);
  });

  it('holds finite values of a plausible size', async () => {
    const weights = await readWeights(folder);
    const tensor = weights.tensors.get('model.norm.weight');
    const file = await readFile(weights.shards[tensor?.shard ?? 0]?.file ?? '');
    for (let i = 0; i < (tensor?.length ?? 0); i += 4) {
      const value = file.readFloatLE((tensor?.offset ?? 0) + i);
      expect(value >= 1 && value < 2).toBe(true);
    }
  });
});

describe('reading weights', () => {
  it('takes a single file, or a folder with one', async () => {
    const alone = await readWeights(join(folder, FIRST));
    expect(alone.shards).toHaveLength(1);
    const other = scratch.path('single');
    await mkdir(other, { recursive: true });
    await writeFile(join(other, 'adapter.safetensors'), await readFile(join(folder, FIRST)));
    expect((await readWeights(other)).shards[0]?.path).toBe('adapter.safetensors');
  });

  it('follows a link that stays in the folder, and refuses one that leaves it', async () => {
    await rename(join(folder, FIRST), join(folder, 'blob'));
    await symlink('blob', join(folder, FIRST));
    await expect(readWeights(folder)).resolves.toMatchObject({ shards: [{ path: FIRST }, { path: SECOND }] });
    await rename(join(folder, 'blob'), scratch.path('outside'));
    await rm(join(folder, FIRST));
    await symlink(scratch.path('outside'), join(folder, FIRST));
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-path' });
  });

  it('refuses a missing shard, a missing folder, an empty one', async () => {
    await rm(join(folder, SECOND));
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-absent' });
    await expect(readWeights(scratch.path('nowhere'))).rejects.toMatchObject({ code: 'weights-absent' });
    await mkdir(scratch.path('empty'), { recursive: true });
    await expect(readWeights(scratch.path('empty'))).rejects.toMatchObject({ code: 'weights-absent' });
  });

  it('refuses several files without an index, and a file the index leaves out', async () => {
    await writeFile(join(folder, 'stray.safetensors'), '');
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-index' });
    await rm(join(folder, 'stray.safetensors'));
    await rm(join(folder, INDEX));
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-index' });
  });

  it.each([
    ['a tensor left out', 'weights-index', (map: Record<string, unknown>) => Object.fromEntries(Object.entries(map).slice(1))],
    ['a tensor that does not exist', 'weights-index', (map: Record<string, unknown>) => ({ ...map, ghost: FIRST })],
    ['a tensor in the wrong shard', 'weights-index', (map: Record<string, unknown>) => ({ ...map, 'lm_head.weight': FIRST })],
    ['a place that is not text', 'weights-index', (map: Record<string, unknown>) => ({ ...map, ghost: 1 })],
    ['no map', 'weights-index', () => undefined],
    ['a list for a map', 'weights-index', () => []],
    ['an empty map', 'weights-index', () => ({})],
    ['one shard of two', 'weights-numbering', (map: Record<string, unknown>) => Object.fromEntries(Object.entries(map).filter(([, file]) => file === FIRST))],
    ['shards of two models', 'weights-numbering', (map: Record<string, unknown>) => ({ ...map, ghost: 'other-00002-of-00003.safetensors' })],
    ['a path that climbs', 'weights-path', (map: Record<string, unknown>) => ({ ...map, ghost: '../model-00001-of-00002.safetensors' })],
    ['an absolute path', 'weights-path', (map: Record<string, unknown>) => ({ ...map, ghost: '/etc/passwd' })],
    ['a file of another kind', 'weights-path', (map: Record<string, unknown>) => ({ ...map, ghost: 'model.bin' })],
  ])('refuses an index with %s', async (_name, code, change) => {
    await changeIndex(change);
    await expect(readWeights(folder)).rejects.toMatchObject({ code });
  });

  it('refuses an index that is not JSON, or names a tensor twice', async () => {
    await writeFile(join(folder, INDEX), '{');
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-index' });
    await writeFile(join(folder, INDEX), `{"weight_map":{"a":"${FIRST}","a":"${SECOND}"}}`);
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-index', message: expect.stringContaining('twice') });
  });

  it('refuses one tensor in two shards', async () => {
    await writeFile(join(folder, SECOND), await readFile(join(folder, FIRST)));
    await expect(readWeights(folder)).rejects.toMatchObject({ code: 'weights-index' });
  });
});
