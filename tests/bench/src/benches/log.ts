import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskLogStorage } from '@strongroom/attestation-tlog';
import { measureAppend } from '@strongroom/control-plane-server';
import { compare, type Bench, type Figure } from '../bench.js';

const ENTRY_BYTES = 900;
const SYNCS = 200;

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-log-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the disk allows whoever makes each entry durable by itself: one write and fsync after another, to one file. */
function syncedWrites(folder: string): { readonly perSecond: Figure; readonly p99: Figure } {
  const file = openSync(join(folder, 'reference'), 'w');
  const entry = Buffer.alloc(ENTRY_BYTES, 'x');
  const times: number[] = [];
  try {
    for (let i = 0; i < SYNCS; i++) {
      const begun = performance.now();
      writeSync(file, entry);
      fsyncSync(file);
      times.push(performance.now() - begun);
    }
  } finally {
    closeSync(file);
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  const p99 = times.sort((a, b) => a - b)[Math.floor(SYNCS * 0.99)] ?? Number.NaN;
  const name = 'write + fsync of one entry to one file';
  return { perSecond: { name, value: (SYNCS / total) * 1000, unit: 'entries/s' }, p99: { name: `p99 of ${name}`, value: p99, unit: 'ms' } };
}

const batches: readonly { readonly batchSize: number; readonly entries: number }[] = [
  { batchSize: 1, entries: 200 },
  { batchSize: 16, entries: 3200 },
  { batchSize: 256, entries: 25_600 },
];

export const logBenches: readonly Bench[] = batches.flatMap(({ batchSize, entries }) => [
  {
    name: `log.append-${batchSize}`,
    run(progress: (message: string) => void) {
      progress(`${entries} entries in batches of ${batchSize}, each durable before the next`);
      return inFolder(async (folder) => {
        const reference = syncedWrites(folder);
        const measured = await measureAppend(new DiskLogStorage(join(folder, 'log')), { batchSize, entries, entryBytes: ENTRY_BYTES });
        return compare(this.name, measured.entriesPerSecond, 'entries/s', reference.perSecond);
      });
    },
  },
  {
    name: `log.append-${batchSize}-p99`,
    run(progress: (message: string) => void) {
      progress(`${entries} entries in batches of ${batchSize}, each durable before the next`);
      return inFolder(async (folder) => {
        const reference = syncedWrites(folder);
        const measured = await measureAppend(new DiskLogStorage(join(folder, 'log')), { batchSize, entries, entryBytes: ENTRY_BYTES });
        return compare(this.name, measured.p99Ms, 'ms', reference.p99);
      });
    },
  },
]);
