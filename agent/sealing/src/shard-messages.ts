// What crosses between a caller and its worker threads.
import type { SealingErrorCode } from './errors.js';
import type { ShardSummary } from './shard-summary.js';

export interface WorkerSetup {
  /** One Int32 shared by all workers of a batch; not 0 means stop. */
  readonly stop: SharedArrayBuffer;
}

interface TaskBase {
  readonly files: { readonly source: string; readonly target: string };
  /** Transferred, so that no other thread holds this copy; the worker zeroes it. */
  readonly key: Uint8Array<ArrayBuffer>;
  readonly associatedData: Uint8Array;
}

export type ShardTask =
  | (TaskBase & { readonly kind: 'seal'; readonly headerRandom: Uint8Array })
  | (TaskBase & { readonly kind: 'open'; readonly expected: Partial<ShardSummary> | undefined });

export type ShardReply =
  | { readonly kind: 'progress'; readonly doneBytes: number }
  | { readonly kind: 'done'; readonly summary: ShardSummary }
  | { readonly kind: 'failed'; readonly code: SealingErrorCode; readonly message: string; readonly segment: number | undefined };
