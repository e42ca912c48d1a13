// The measured side of the sealing benches: best of several passes over files in memory (tmpfs), so that the disk is not
// what is measured. Reports to its parent.
import { accessSync, constants, statfsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShards, SealedShard, sealShards, type ShardJob } from '@strongroom/agent-sealing';

/** GB (10^9 bytes) of plaintext a second. */
export interface SealingSpeeds {
  readonly seal: number;
  readonly open: number;
  readonly sealParallel: number;
  readonly openParallel: number;
  readonly rangeRead: number;
}

const SHARD_BYTES = 268_435_456;
const PASSES = 3;

const report = (message: string | SealingSpeeds): void => void process.send?.(message);

const folder = await mkdtemp(join(memoryFolder(), 'strongroom-bench-'));
try {
  report(await measure());
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(): Promise<SealingSpeeds> {
  report(`two shards of ${SHARD_BYTES / 1_048_576} MiB in ${folder}`);
  const sealing = await Promise.all([0, 1].map(newJob));
  const one = sealing.slice(0, 1);
  const opening = (jobs: readonly ShardJob[]): ShardJob[] => jobs.map((job) => ({ ...job, source: job.target, target: `${job.source}.opened` }));
  return {
    seal: await best('seal one shard', one, () => sealShards({ shards: one, concurrency: 1 })),
    sealParallel: await best('seal two shards, two threads', sealing, () => sealShards({ shards: sealing, concurrency: 2 })),
    open: await best('open one shard', one, () => openShards({ shards: opening(one), concurrency: 1 })),
    openParallel: await best('open two shards, two threads', sealing, () => openShards({ shards: opening(sealing), concurrency: 2 })),
    rangeRead: await best('read one shard by range', one, () => Promise.all(one.map(readThrough))),
  };
}

async function newJob(shard: number): Promise<ShardJob> {
  const source = join(folder, `shard-${shard}`);
  await writeFile(source, randomBytes(SHARD_BYTES));
  return { source, target: `${source}.sealed`, key: randomBytes(32), associatedData: new Uint8Array([shard]) };
}

async function readThrough(job: ShardJob): Promise<void> {
  const shard = await SealedShard.open({ file: job.target, key: job.key, associatedData: job.associatedData });
  let seen = 0;
  for await (const piece of shard.stream(0, shard.plaintextBytes)) seen += piece.length;
  await shard.close();
  if (seen !== SHARD_BYTES) throw new Error(`read ${seen} bytes of ${SHARD_BYTES}`);
}

async function best(label: string, shards: readonly unknown[], run: () => Promise<unknown>): Promise<number> {
  let fastest = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const started = performance.now();
    await run();
    fastest = Math.max(fastest, (shards.length * SHARD_BYTES) / 1e6 / (performance.now() - started));
  }
  report(`${label}: ${fastest.toFixed(2)} GB/s`);
  return fastest;
}

/** tmpfs with room for both shards, sealed and opened; else the temporary folder, and the disk then counts too. */
function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > 7 * SHARD_BYTES ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir();
  }
}
