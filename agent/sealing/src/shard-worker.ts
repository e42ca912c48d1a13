// A worker thread's side of `sealShards` and `openShards`. Imports nothing outside this folder and node:.
import { parentPort, workerData } from 'node:worker_threads';
import { asSealingError } from './errors.js';
import { openShard } from './open-shard.js';
import { sealShard } from './seal-shard.js';
import type { ShardReply, ShardTask, WorkerSetup } from './shard-messages.js';

const port = parentPort;
if (port === null) throw new Error('shard-worker runs as a worker thread only');

const stopped = new Int32Array((workerData as WorkerSetup).stop);
const signal = {
  get aborted(): boolean {
    return Atomics.load(stopped, 0) !== 0;
  },
};

port.on('message', (task: ShardTask) => {
  void run(task).then((reply) => port.postMessage(reply));
});

async function run(task: ShardTask): Promise<ShardReply> {
  const onProgress = ({ doneBytes }: { doneBytes: number }): void => {
    port?.postMessage({ kind: 'progress', doneBytes } satisfies ShardReply);
  };
  try {
    const pass = { ...task.files, key: task.key, associatedData: task.associatedData, onProgress, signal };
    const summary =
      task.kind === 'seal' ? await sealShard({ ...pass, random: () => task.headerRandom }) : await openShard({ ...pass, expected: task.expected });
    return { kind: 'done', summary };
  } catch (error) {
    const { code, message, segment } = asSealingError(error);
    return { kind: 'failed', code, message, segment };
  } finally {
    task.key.fill(0);
  }
}
