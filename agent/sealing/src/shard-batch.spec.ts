import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from '@swc/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openShards, sealShards, type BatchEvent, type ShardJob } from './shard-batch.js';
import { SEGMENT_BYTES } from './segment-layout.js';
import { scratchFolder, seededBytes, sha256Of } from './testing/scratch.js';

const SHARDS = 5;
let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let workerFile: URL;

beforeAll(async () => {
  scratch = await scratchFolder();
  workerFile = await compileWorker(scratch.path('compiled'));
});
afterAll(() => scratch.remove());

/** A thread cannot load TypeScript, so the worker of these very sources is compiled as the build does it. */
async function compileWorker(target: string): Promise<URL> {
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'package.json'), '{"type":"module"}');
  for (const name of (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))) {
    const source = await readFile(join(import.meta.dirname, name), 'utf8');
    const { code } = await transform(source, { filename: name, module: { type: 'es6' }, jsc: { target: 'es2022', parser: { syntax: 'typescript' } } });
    await writeFile(join(target, name.replace(/\.ts$/, '.js')), code);
  }
  return pathToFileURL(join(target, 'shard-worker.js'));
}

async function jobs(name: string): Promise<ShardJob[]> {
  return Promise.all(
    Array.from({ length: SHARDS }, async (_, i) => {
      const source = scratch.path(`${name}-${i}`);
      await writeFile(source, seededBytes(`${name}${i}`, SEGMENT_BYTES + i * 1000));
      return { source, target: `${source}.sealed`, key: seededBytes(`key${i}`, 32), associatedData: new Uint8Array([i]) };
    }),
  );
}

function reversed(sealing: readonly ShardJob[]): ShardJob[] {
  return sealing.map((job) => ({ ...job, source: job.target, target: `${job.source}.opened` }));
}

const noMore = async (suffix: string): Promise<void> => expect((await scratch.names()).filter((name) => name.includes(suffix))).toEqual([]);

describe.each([
  ['in worker threads', () => workerFile],
  ['in this thread', () => undefined],
])('a batch of shards %s', (_name, file) => {
  const name = _name.replaceAll(' ', '-');

  it('seals and opens all of them, in order, and leaves the caller’s keys alone', async () => {
    const sealing = await jobs(name);
    const events: BatchEvent[] = [];
    const sealed = await sealShards({ shards: sealing, concurrency: 2, workerFile: file(), onProgress: (event) => events.push(event) });
    const opened = await openShards({ shards: reversed(sealing).map((job, i) => ({ ...job, expected: sealed[i] })), concurrency: 3, workerFile: file() });
    expect(opened).toEqual(sealed);
    for (const [i, job] of sealing.entries()) {
      expect(sealed[i]?.plaintextDigest).toBe(sha256Of(await readFile(`${job.source}.opened`)));
      expect(job.key).toEqual(seededBytes(`key${i}`, 32));
    }
    const total = sealed.reduce((sum, { plaintextBytes }) => sum + plaintextBytes, 0);
    expect(events.filter((event) => event.kind === 'shard-done')).toHaveLength(SHARDS);
    expect(events.filter((event) => event.kind === 'progress').at(-1)).toMatchObject({ doneBytes: total, totalBytes: total });
  });

  it('opens all or nothing', async () => {
    const sealing = await jobs(`${name}-torn`);
    await sealShards({ shards: sealing, concurrency: 2, workerFile: file() });
    const opening = reversed(sealing);
    const damaged = await readFile(opening[3]?.source ?? '');
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    await writeFile(opening[3]?.source ?? '', damaged);
    const outcome = openShards({ shards: opening, concurrency: 2, workerFile: file() });
    await expect(outcome).rejects.toMatchObject({ name: 'SealingError', code: 'seal-segment-authentication', segment: 1 });
    await noMore(`${name}-torn-0.opened`);
    await noMore('.part');
  });

  it('stops when told to and leaves nothing', async () => {
    const sealing = await jobs(`${name}-stop`);
    const stopping = new AbortController();
    const outcome = sealShards({ shards: sealing, concurrency: 2, workerFile: file(), signal: stopping.signal, onProgress: (event) => event.kind === 'shard-done' && stopping.abort() });
    await expect(outcome).rejects.toMatchObject({ code: 'seal-aborted' });
    await noMore(`${name}-stop-0.sealed`);
    await noMore('.part');
    await expect(sealShards({ shards: sealing, concurrency: 1, workerFile: file(), signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'seal-aborted' });
  });

  it('refuses to run with no thread', async () => {
    await expect(sealShards({ shards: [], concurrency: 0, workerFile: file() })).rejects.toThrow(RangeError);
    await expect(sealShards({ shards: [], concurrency: 1, workerFile: file() })).resolves.toEqual([]);
  });
});

it('a worker that cannot start is an error, not a wait', async () => {
  const sealing = await jobs('no-worker');
  const outcome = sealShards({ shards: sealing, concurrency: 1, workerFile: pathToFileURL(scratch.path('absent.js')) });
  await expect(outcome).rejects.toMatchObject({ code: 'seal-io' });
});
