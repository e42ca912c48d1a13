import { formatCheckpoint } from '../checkpoint-text.js';
import { signNote, type NoteSigner } from '../note.js';
import { createNoteSigner } from '../signer.js';
import { TileReader, type FetchFile } from '../tile-reader.js';
import { emptyEdge, planAppend, type LogEdge } from '../tile-writer.js';
import { testKey } from './keys.js';

/** A signed log held in memory, for tests. Files may be changed behind its back. */
export class MemoryLog {
  readonly files = new Map<string, Uint8Array>();
  readonly signer: NoteSigner;
  readonly origin: string;
  /** Signed checkpoints by size, from the empty log on. */
  readonly checkpoints = new Map<bigint, Uint8Array>();
  readonly rootHashes = new Map<bigint, Uint8Array>();
  edge: LogEdge = emptyEdge();

  constructor(origin = 'log.example/audit', seed = 'log') {
    this.origin = origin;
    this.signer = createNoteSigner({ name: origin, privateKey: testKey(seed) });
    this.append([]);
  }

  get size(): bigint {
    return this.edge.size;
  }

  get checkpoint(): Uint8Array {
    return this.checkpoints.get(this.size) ?? new Uint8Array();
  }

  get rootHash(): Uint8Array {
    return this.rootHashes.get(this.size) ?? new Uint8Array();
  }

  readonly fetchFile: FetchFile = (path) => Promise.resolve(this.files.get(path));

  get reader(): TileReader {
    return new TileReader(this.fetchFile);
  }

  append(entries: readonly Uint8Array[]): void {
    const plan = planAppend(this.edge, entries);
    for (const { path, bytes } of plan.files) this.files.set(path, bytes);
    this.edge = plan.edge;
    this.rootHashes.set(plan.size, plan.rootHash);
    this.checkpoints.set(plan.size, signNote(formatCheckpoint({ origin: this.origin, size: plan.size, rootHash: plan.rootHash }), [this.signer]));
  }
}

export function testEntries(first: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => new Uint8Array(Buffer.from(`entry ${first + at}`)));
}
