import {
  CHECKPOINT_PATH,
  edgeRootHash,
  emptyEdge,
  openNote,
  parseCheckpoint,
  planAppend,
  readEdge,
  TileReader,
  TlogError,
  type Checkpoint,
  type LogEdge,
  type LogStorage,
} from '@strongroom/attestation-tlog';
import { StrongroomError } from '../platform/errors.js';
import type { LogHead, LogStore } from './log-store.js';
import type { LogIdentity } from './log-identity.js';

const ENTRIES_AT_ONCE = 256;

export interface Recovered {
  /** Where to append: the edge of the head, its tiles durable. */
  readonly edge: LogEdge;
  /** The published checkpoint file as it is, to be replaced. */
  readonly published: Uint8Array | undefined;
}

/**
 * Brings the files of a log up to its head in the database, which is the truth: whatever was acknowledged is there, and tiles
 * can be made again from it, byte for byte. Refuses what we cannot have caused by dying.
 * @throws StrongroomError `log-fork` when files, published checkpoint and database do not tell one history
 */
export async function recoverLog(store: LogStore, storage: LogStorage, head: LogHead, identity: LogIdentity): Promise<Recovered> {
  const published = await storage.read(CHECKPOINT_PATH);
  const inFile = published && openOwn(published, identity);
  if (inFile && inFile.size > head.size) {
    throw new StrongroomError('log-fork', `the published log has ${inFile.size} entries, the database ${head.size}: the database is an older copy`);
  }
  const inDatabase = head.checkpoint && openOwn(head.checkpoint, identity);
  const start = await startingEdge(storage, inDatabase);
  const edge = await catchUp(store, storage, head, start);
  if (inFile) await assertSameHistory(storage, inFile, head);
  return { edge, published };
}

/** From the published right edge, checked against its root; from nothing when the files are gone. */
async function startingEdge(storage: LogStorage, checkpoint: Checkpoint | undefined): Promise<LogEdge> {
  if (!checkpoint) return emptyEdge();
  try {
    return await readEdge((path) => storage.read(path), checkpoint);
  } catch (cause) {
    if (cause instanceof TlogError && cause.code === 'tile-missing') return emptyEdge();
    throw new StrongroomError('log-fork', 'the tiles do not give the root that was published', { cause });
  }
}

async function catchUp(store: LogStore, storage: LogStorage, head: LogHead, start: LogEdge): Promise<LogEdge> {
  let edge = start;
  while (edge.size < head.size) {
    const entries = await store.entries(edge.size, Math.min(ENTRIES_AT_ONCE, Number(head.size - edge.size)));
    if (entries.length === 0) throw new StrongroomError('log-fork', `the database lacks entry ${edge.size}`);
    const plan = planAppend(edge, entries);
    await storage.write(plan.files);
    edge = plan.edge;
  }
  if (edge.size !== head.size || !Buffer.from(edgeRootHash(edge)).equals(head.root)) {
    throw new StrongroomError('log-fork', 'the entries do not give the root of the head');
  }
  return edge;
}

async function assertSameHistory(storage: LogStorage, inFile: Checkpoint, head: LogHead): Promise<void> {
  const reader = new TileReader((path) => storage.read(path));
  const root = inFile.size === head.size ? head.root : await reader.rootHash(inFile.size);
  if (!Buffer.from(root).equals(inFile.rootHash)) throw new StrongroomError('log-fork', 'the published checkpoint is not of this log');
}

function openOwn(note: Uint8Array, { origin, signer }: LogIdentity): Checkpoint {
  try {
    const checkpoint = parseCheckpoint(openNote(note, [signer.verifier]).text);
    if (checkpoint.origin === origin) return checkpoint;
  } catch (cause) {
    throw new StrongroomError('log-fork', 'the published checkpoint is not signed by our key', { cause });
  }
  throw new StrongroomError('log-fork', 'the published checkpoint is of another log');
}
