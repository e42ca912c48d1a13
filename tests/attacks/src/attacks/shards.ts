import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateModel, sealWeights, SealedShard, shardAssociatedData } from '@strongroom/agent-sealing';
import { outcomeOf, type Attack, type Outcome } from '../attack.js';

const IDENTITY = { tenant: 'acme', asset: '01890a5d-ac96-774b-bcce-b302099a8057', sealId: 'AAAAAAAAAAAAAAAAAAAAAA', keyEpoch: 1 };
const SEGMENT = 1 << 20;

interface Victim {
  readonly files: readonly string[];
  readonly keys: readonly Uint8Array[];
  readonly paths: readonly string[];
}

/** Reads a shard to its end, as the agent does before it serves it. */
async function readThrough(victim: Victim, shard: number, file: string): Promise<void> {
  const associatedData = shardAssociatedData({ ...IDENTITY, shard, shards: victim.files.length, path: victim.paths[shard] ?? '' });
  const opened = await SealedShard.open({ file, key: victim.keys[shard] ?? new Uint8Array(), associatedData });
  try {
    for await (const piece of opened.stream(0, opened.plaintextBytes)) void piece;
  } finally {
    await opened.close();
  }
}

async function seal(folder: string): Promise<Victim> {
  await generateModel({ folder: join(folder, 'model'), shards: 2, totalBytes: 8 << 20, seed: 'attacks' });
  const { files, keys, shards } = await sealWeights({ ...IDENTITY, source: join(folder, 'model'), folder: join(folder, 'sealed'), concurrency: 1 });
  return { files, keys, paths: shards.map(({ path }) => path) };
}

export const tamperedShard: Attack = {
  name: 'tampered shard',
  rule: 'law 1, protocol rule 2',
  story: 'Whoever holds the sealed files flips a byte in the first, a middle and the last segment, cuts the file at a segment and inside one, appends to it, and puts one shard in place of the other.',
  expected: ['seal-segment-authentication', 'seal-truncated', 'seal-trailing'],
  async attempt(stage) {
    const folder = join(stage.folder, 'tampered');
    await mkdir(folder, { recursive: true });
    const victim = await seal(folder);
    const [first = '', second = ''] = victim.files;
    await readThrough(victim, 0, first);
    const size = (await readFile(first)).length;
    const outcomes: Outcome[] = [];
    const attempt = async (change: (file: string) => Promise<void>): Promise<void> => {
      const file = join(folder, `attempt-${outcomes.length}`);
      await copyFile(first, file);
      await change(file);
      outcomes.push(await outcomeOf(() => readThrough(victim, 0, file)));
    };
    for (const offset of [100, SEGMENT + 5, size - 5]) await attempt((file) => flip(file, offset));
    await attempt((file) => truncate(file, 2 * SEGMENT));
    await attempt((file) => truncate(file, size - 7));
    await attempt(async (file) => writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(9)])));
    await attempt((file) => copyFile(second, file));
    return outcomes;
  },
};

async function flip(file: string, offset: number): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  await writeFile(file, bytes);
}
