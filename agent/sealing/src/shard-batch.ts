import { randomBytes } from 'node:crypto';
import { stat, rm } from 'node:fs/promises';
import { asSealingError, SealingError } from './errors.js';
import { missingMallocEnvironment } from './malloc-environment.js';
import { HEADER_RANDOM_BYTES, type RandomBytes } from './segment-cipher.js';
import type { ShardTask } from './shard-messages.js';
import { LocalRunner, WorkerRunner, type ShardRunner } from './shard-runner.js';
import type { ShardSummary } from './shard-summary.js';

export interface ShardJob {
  readonly source: string;
  readonly target: string;
  /** 32 bytes; copied, and the copy handed over to the worker, so the owner zeroes this one. */
  readonly key: Uint8Array;
  readonly associatedData: Uint8Array;
}

export interface OpenShardJob extends ShardJob {
  readonly expected?: Partial<ShardSummary> | undefined;
}

/** `advice` comes at most once, first: the environment under which this would run faster (see `MALLOC_ENVIRONMENT`). */
export type BatchEvent =
  | { readonly kind: 'advice'; readonly environment: Readonly<Record<string, string>> }
  | { readonly kind: 'progress'; readonly shard: number; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'shard-done'; readonly shard: number; readonly summary: ShardSummary };

interface BatchOptions {
  /** Shards at work at the same time, each in its own thread. */
  readonly concurrency: number;
  readonly onProgress?: ((event: BatchEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The compiled worker; the default is the one beside this file. */
  readonly workerFile?: URL | undefined;
}

export interface SealShardsOptions extends BatchOptions {
  readonly shards: readonly ShardJob[];
  readonly random?: RandomBytes | undefined;
}

export interface OpenShardsOptions extends BatchOptions {
  readonly shards: readonly OpenShardJob[];
}

/**
 * Seals shards in parallel; the summaries come back in the order of `shards`. When one fails, the others are stopped and
 * every target of this batch is removed.
 * @throws SealingError as `sealShard`, of the first shard that failed
 */
export async function sealShards(options: SealShardsOptions): Promise<ShardSummary[]> {
  const random = options.random ?? randomBytes;
  return runBatch(options, options.shards, (job) => ({ ...taskBase(job), kind: 'seal', headerRandom: random(HEADER_RANDOM_BYTES) }));
}

/** Opens shards in parallel, all of them or none: see `sealShards`. @throws SealingError as `openShard` */
export async function openShards(options: OpenShardsOptions): Promise<ShardSummary[]> {
  return runBatch(options, options.shards, (job) => ({ ...taskBase(job), kind: 'open', expected: job.expected }));
}

function taskBase(job: ShardJob): Pick<ShardTask, 'files' | 'key' | 'associatedData'> {
  const key = new Uint8Array(new ArrayBuffer(job.key.length));
  key.set(job.key);
  return { files: { source: job.source, target: job.target }, key, associatedData: job.associatedData };
}

async function runBatch<J extends ShardJob>(options: BatchOptions, jobs: readonly J[], taskOf: (job: J) => ShardTask): Promise<ShardSummary[]> {
  const threads = Math.min(options.concurrency, jobs.length);
  if (!Number.isInteger(options.concurrency) || options.concurrency < 1) throw new RangeError('concurrency is a positive integer');
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const abort = (): void => void Atomics.store(stop, 0, 1);
  if (options.signal?.aborted === true) abort();
  options.signal?.addEventListener('abort', abort, { once: true });
  const progress = await BatchProgress.of(jobs, options.onProgress);
  const runners = Array.from({ length: threads }, () => runnerFor(options.workerFile, stop));
  const summaries = new Array<ShardSummary>(jobs.length);
  const queue = jobs.entries();
  try {
    const lanes = runners.map(async (runner) => {
      for (const [shard, job] of queue) {
        if (Atomics.load(stop, 0) !== 0) throw new SealingError('seal-aborted', 'stopped by the caller');
        const summary = await runner.run(taskOf(job), (doneBytes) => progress.advance(shard, doneBytes));
        summaries[shard] = summary;
        progress.finish(shard, summary);
      }
    });
    await firstFailure(lanes, abort);
    return summaries;
  } catch (error) {
    await Promise.all([...summaries.keys()].filter((i) => summaries[i] !== undefined).map((i) => rm(jobs[i]?.target ?? '', { force: true })));
    throw asSealingError(error);
  } finally {
    options.signal?.removeEventListener('abort', abort);
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

/** Stops the rest at the first failure, waits for all of them, and reports that first failure. */
async function firstFailure(lanes: readonly Promise<void>[], abort: () => void): Promise<void> {
  let first: SealingError | undefined;
  const failed = (error: unknown): void => {
    first ??= asSealingError(error);
    abort();
  };
  await Promise.all(lanes.map((lane) => lane.catch(failed)));
  if (first !== undefined) throw first;
}

function runnerFor(workerFile: URL | undefined, stop: Int32Array<SharedArrayBuffer>): ShardRunner {
  const file = workerFile ?? compiledWorker();
  if (file !== undefined) return new WorkerRunner(file, { stop: stop.buffer });
  return new LocalRunner({
    get aborted(): boolean {
      return Atomics.load(stop, 0) !== 0;
    },
  });
}

/** Undefined when running from TypeScript source, as tests do: a thread cannot load that, so shards run in this one. */
function compiledWorker(): URL | undefined {
  return import.meta.url.endsWith('.ts') ? undefined : new URL('./shard-worker.js', import.meta.url);
}

/** Adds up the shards' own progress against the sizes of their sources. */
class BatchProgress {
  readonly #done: number[];

  private constructor(
    private readonly totalBytes: number,
    shards: number,
    private readonly report: (event: BatchEvent) => void,
  ) {
    this.#done = new Array<number>(shards).fill(0);
  }

  static async of(jobs: readonly ShardJob[], report: ((event: BatchEvent) => void) | undefined): Promise<BatchProgress> {
    const sizes = await Promise.all(jobs.map(({ source }) => stat(source).then(({ size }) => size, () => 0)));
    const progress = new BatchProgress(sizes.reduce((a, b) => a + b, 0), jobs.length, report ?? (() => undefined));
    const environment = missingMallocEnvironment(process.env, process.platform);
    if (Object.keys(environment).length > 0) progress.report({ kind: 'advice', environment });
    return progress;
  }

  advance(shard: number, doneBytes: number): void {
    this.#done[shard] = doneBytes;
    const doneBytesOfAll = this.#done.reduce((a, b) => a + b, 0);
    this.report({ kind: 'progress', shard, doneBytes: doneBytesOfAll, totalBytes: this.totalBytes });
  }

  finish(shard: number, summary: ShardSummary): void {
    this.report({ kind: 'shard-done', shard, summary });
  }
}
