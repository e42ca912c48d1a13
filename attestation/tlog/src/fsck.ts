import type { Checkpoint } from './checkpoint-text.js';
import { TlogError } from './errors.js';
import { equalHashes } from './merkle.js';
import { TileReader, type FetchFile } from './tile-reader.js';
import { parseTilePath, TILE_WIDTH, tileWidth } from './tile-path.js';
import { emptyEdge, planAppend, type LogFile } from './tile-writer.js';

export interface LogVerification {
  readonly size: bigint;
  readonly rootHash: Uint8Array;
  /** Tiles and bundles compared with what the entries give. */
  readonly filesVerified: number;
}

export interface VerifyLogOptions {
  /** Called for each entry in order, before the root is known to be right: keep what you conclude until the verification resolves. */
  readonly onEntry?: (entry: { readonly index: bigint; readonly bytes: Uint8Array; readonly leafHash: Uint8Array }) => void | Promise<void>;
}

/**
 * Recomputes a whole log from its entries: every tile, every bundle and the root must be what the entries give.
 * Does not verify the checkpoint's signatures: give a `VerifiedCheckpoint` if they matter. Memory stays small at any size.
 *
 * @throws TlogError `tile-missing` | `tile-malformed` | `bundle-malformed` | `log-corrupt`, naming the first bad file
 */
export async function verifyLogFolder(
  fetchFile: FetchFile,
  checkpoint: Pick<Checkpoint, 'size' | 'rootHash'>,
  options: VerifyLogOptions = {},
): Promise<LogVerification> {
  const { size, rootHash } = checkpoint;
  const reader = new TileReader(fetchFile);
  let edge = emptyEdge();
  let computed = planAppend(edge, []).rootHash;
  let filesVerified = 0;
  for (let bundle = 0n; tileWidth(size, 0, bundle) > 0; bundle += 1n) {
    const entries = await reader.entries(bundle, size);
    const plan = planAppend(edge, entries);
    for (const file of plan.files.filter(({ path }) => isPartOf(size, path))) {
      await requireStored(fetchFile, file);
      filesVerified += 1;
    }
    for (const [at, bytes] of entries.entries()) {
      const leafHash = plan.leafHashes[at];
      if (leafHash !== undefined) await options.onEntry?.({ index: edge.size + BigInt(at), bytes, leafHash });
    }
    edge = plan.edge;
    computed = plan.rootHash;
  }
  if (!equalHashes(computed, rootHash)) throw new TlogError('log-corrupt', 'the entries give another root than the checkpoint');
  return { size, rootHash: computed, filesVerified };
}

/** Partial tiles of smaller sizes may have been removed; these are the ones this size needs. */
function isPartOf(size: bigint, path: string): boolean {
  const place = parseTilePath(path);
  return place.width === tileWidth(size, place.kind === 'tile' ? place.level : 0, place.index);
}

async function requireStored(fetchFile: FetchFile, { path, bytes }: LogFile): Promise<void> {
  const stored = (await fetchFile(path)) ?? (await fetchGrown(fetchFile, path, bytes.length));
  if (stored === undefined) throw new TlogError('tile-missing', `${path} is missing`);
  if (Buffer.compare(stored, bytes) !== 0) throw new TlogError('log-corrupt', `${path} is not what the entries give`);
}

/** The log has grown past this checkpoint, and a partial tile was removed in favour of the full one: its beginning must be the same. */
async function fetchGrown(fetchFile: FetchFile, path: string, length: number): Promise<Uint8Array | undefined> {
  if (parseTilePath(path).width === TILE_WIDTH) return undefined;
  const full = await fetchFile(path.slice(0, path.lastIndexOf('.p/')));
  return full?.subarray(0, length);
}
