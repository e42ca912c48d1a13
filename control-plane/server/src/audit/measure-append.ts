import { emptyEdge, planAppend, type LogStorage } from '@strongroom/attestation-tlog';

export interface AppendMeasurement {
  readonly batchSize: number;
  readonly entries: number;
  readonly entriesPerSecond: number;
  /** Median milliseconds from having a batch to its tiles being durable. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Appends `entries` entries of `entryBytes` bytes in batches, waiting for durability each time: what a storage allows a sequencer. */
export async function measureAppend(storage: LogStorage, options: { readonly batchSize: number; readonly entries: number; readonly entryBytes: number }): Promise<AppendMeasurement> {
  const { batchSize, entries, entryBytes } = options;
  const latencies: number[] = [];
  let edge = emptyEdge();
  const started = performance.now();
  for (let done = 0; done < entries; done += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, entries - done) }, (_, at) => Buffer.alloc(entryBytes, `${done + at} `));
    const begun = performance.now();
    const plan = planAppend(edge, batch);
    await storage.write(plan.files);
    latencies.push(performance.now() - begun);
    edge = plan.edge;
  }
  const seconds = (performance.now() - started) / 1000;
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { batchSize, entries, entriesPerSecond: entries / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
