// Two ways to run one shard's task: in a worker thread of its own core, or in this thread.
import { Worker } from 'node:worker_threads';
import { asSealingError, SealingError } from './errors.js';
import { openShard } from './open-shard.js';
import { sealShard } from './seal-shard.js';
import type { ShardReply, ShardTask, WorkerSetup } from './shard-messages.js';
import type { ShardSummary } from './shard-summary.js';

export interface ShardRunner {
  /** Runs one task at a time; rejects with a SealingError. The task's key is zeroed or out of reach afterwards. */
  run(task: ShardTask, onDone: (doneBytes: number) => void): Promise<ShardSummary>;
  close(): Promise<void>;
}

export class WorkerRunner implements ShardRunner {
  readonly #worker: Worker;
  #failure: SealingError | undefined;
  #reject: ((error: SealingError) => void) | undefined;

  constructor(file: URL, setup: WorkerSetup) {
    this.#worker = new Worker(file, { workerData: setup });
    this.#worker.on('error', (error) => this.#fail(asSealingError(error)));
    this.#worker.on('exit', () => this.#fail(new SealingError('seal-io', 'the worker thread ended')));
  }

  run(task: ShardTask, onDone: (doneBytes: number) => void): Promise<ShardSummary> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#reject = reject;
      const receive = (reply: ShardReply): void => {
        if (reply.kind === 'progress') return onDone(reply.doneBytes);
        this.#worker.off('message', receive);
        this.#reject = undefined;
        if (reply.kind === 'done') return resolve(reply.summary);
        reject(new SealingError(reply.code, reply.message, reply.segment === undefined ? {} : { segment: reply.segment }));
      };
      this.#worker.on('message', receive);
      this.#worker.postMessage(task, [task.key.buffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: SealingError): void {
    this.#failure = error;
    this.#reject?.(error);
    this.#reject = undefined;
  }
}

export class LocalRunner implements ShardRunner {
  constructor(private readonly signal: { readonly aborted: boolean }) {}

  async run(task: ShardTask, onDone: (doneBytes: number) => void): Promise<ShardSummary> {
    const { key, associatedData } = task;
    const pass = { ...task.files, key, associatedData, signal: this.signal, onProgress: (p: { doneBytes: number }) => onDone(p.doneBytes) };
    try {
      if (task.kind === 'open') return await openShard({ ...pass, expected: task.expected });
      return await sealShard({ ...pass, random: () => task.headerRandom });
    } finally {
      key.fill(0);
    }
  }

  async close(): Promise<void> {}
}
