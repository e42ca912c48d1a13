import { formatEntries, MAX_ENTRY_BYTES } from './entry-bundle.js';
import { TlogError } from './errors.js';
import { emptyRootHash, equalHashes, leafHash, nodeHash } from './merkle.js';
import { TileReader, type FetchFile } from './tile-reader.js';
import { entriesPath, parseTilePath, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';

export interface LogFile {
  /** Relative to the log's folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The right edge of a log: all that is needed to append to it, whatever its size. Plain data, never changed in place.
 * `emptyEdge()` begins a log, `readEdge` takes it up again, `planAppend` gives the next one.
 */
export interface LogEdge {
  readonly size: bigint;
  /** For each tile level from 0 up: the hashes of its last, partial tile (none when that level is full). */
  readonly tiles: readonly (readonly Uint8Array[])[];
  /** The bytes of the last, partial entry bundle. */
  readonly bundle: Uint8Array;
}

export interface AppendPlan {
  /** Every tile, partial tile and entry bundle that is new at this size. All must be durable before the checkpoint is published. */
  readonly files: readonly LogFile[];
  /** Folders of partial tiles and bundles that this append filled up. Once the checkpoint is published, `LogStorage.prune` may remove them. */
  readonly superseded: readonly string[];
  /** The size after the append. */
  readonly size: bigint;
  readonly rootHash: Uint8Array;
  /** The leaf hashes of the appended entries, in order; the first has index `edge.size` of the old edge. */
  readonly leafHashes: readonly Uint8Array[];
  readonly edge: LogEdge;
}

export function emptyEdge(): LogEdge {
  return { size: 0n, tiles: [], bundle: new Uint8Array() };
}

/**
 * Plans the append of `entries`: pure, so nothing has happened until the files are written. The work grows with the batch, not
 * with the log. Planning the same entries again gives the same bytes.
 *
 * @param entries at most 65,535 bytes each.
 * @throws TlogError `entry-too-large`
 * @see c2sp.org/tlog-tiles
 */
export function planAppend(edge: LogEdge, entries: readonly Uint8Array[]): AppendPlan {
  if (entries.some((entry) => entry.length > MAX_ENTRY_BYTES)) {
    throw new TlogError('entry-too-large', `an entry has at most ${MAX_ENTRY_BYTES} bytes`);
  }
  const size = edge.size + BigInt(entries.length);
  const leafHashes = entries.map((entry) => leafHash(entry));
  const bundles = planBundles(edge, entries);
  const tiles = planTiles(edge, leafHashes);
  const next: LogEdge = { size, tiles: tiles.rest, bundle: bundles.rest };
  const files = [...tiles.files, ...bundles.files];
  return { files, superseded: supersededBy(edge, files), size, rootHash: edgeRootHash(next), leafHashes, edge: next };
}

/** The root hash of the whole tree, from its right edge alone. */
export function edgeRootHash(edge: LogEdge): Uint8Array {
  // Each level's partial tile is a row of perfect subtrees; what lies right of it (the lower levels) is folded in from the right.
  let root: Uint8Array | undefined;
  for (const hashes of edge.tiles) {
    for (const perfect of perfectSubtrees(hashes).reverse()) root = root === undefined ? perfect : nodeHash(perfect, root);
  }
  return root ?? emptyRootHash();
}

/**
 * Reads the right edge of a stored log, to append to it again, and checks it against the checkpoint it is taken from.
 * Does not check anything left of the edge: that is `verifyLogFolder`.
 *
 * @throws TlogError `tile-missing` | `tile-malformed` | `bundle-malformed` | `edge-mismatch`
 */
export async function readEdge(fetchFile: FetchFile, expected: { readonly size: bigint; readonly rootHash: Uint8Array }): Promise<LogEdge> {
  const { size } = expected;
  const reader = new TileReader(fetchFile);
  const tiles: Uint8Array[][] = [];
  for (let level = 0; size >> BigInt(8 * level) > 0n; level += 1) {
    const index = size >> BigInt(8 * (level + 1));
    tiles.push(tileWidth(size, level, index) === 0 ? [] : splitHashes(await reader.tile(level, index, size)));
  }
  const bundleIndex = size / BigInt(TILE_WIDTH);
  const entries = tileWidth(size, 0, bundleIndex) === 0 ? [] : await reader.entries(bundleIndex, size);
  const edge = { size, tiles, bundle: formatEntries(entries) };
  const leaves = tiles[0] ?? [];
  const isSame = entries.every((entry, at) => equalHashes(leafHash(entry), leaves[at] ?? new Uint8Array()));
  if (!isSame || !equalHashes(edgeRootHash(edge), expected.rootHash)) {
    throw new TlogError('edge-mismatch', 'the stored right edge does not give the root of the checkpoint');
  }
  return edge;
}


function planTiles(edge: LogEdge, leafHashes: readonly Uint8Array[]): { files: LogFile[]; rest: Uint8Array[][] } {
  const files: LogFile[] = [];
  const rest: Uint8Array[][] = [];
  let added: readonly Uint8Array[] = leafHashes;
  for (let level = 0; added.length > 0 || level < edge.tiles.length; level += 1) {
    const hashes = [...(edge.tiles[level] ?? []), ...added];
    const first = edge.size >> BigInt(8 * (level + 1));
    const above: Uint8Array[] = [];
    let at = 0;
    for (; at + TILE_WIDTH <= hashes.length; at += TILE_WIDTH) {
      const full = hashes.slice(at, at + TILE_WIDTH);
      files.push({ path: tilePath(level, first + BigInt(above.length)), bytes: joinHashes(full) });
      above.push(...perfectSubtrees(full));
    }
    const partial = hashes.slice(at);
    // A level that got nothing new keeps the partial tile it had.
    if (partial.length > 0 && added.length > 0) {
      files.push({ path: tilePath(level, first + BigInt(above.length), partial.length), bytes: joinHashes(partial) });
    }
    rest.push(partial);
    added = above;
  }
  return { files, rest };
}

function planBundles(edge: LogEdge, entries: readonly Uint8Array[]): { files: LogFile[]; rest: Uint8Array } {
  const files: LogFile[] = [];
  let index = edge.size / BigInt(TILE_WIDTH);
  let held = Number(edge.size % BigInt(TILE_WIDTH));
  let bundle = edge.bundle;
  for (let at = 0; at < entries.length; ) {
    const some = entries.slice(at, at + TILE_WIDTH - held);
    bundle = new Uint8Array(Buffer.concat([bundle, formatEntries(some)]));
    held += some.length;
    at += some.length;
    files.push({ path: entriesPath(index, held), bytes: bundle });
    if (held === TILE_WIDTH) {
      index += 1n;
      held = 0;
      bundle = new Uint8Array();
    }
  }
  return { files, rest: bundle };
}

/** The roots of the perfect subtrees over these hashes, largest first, as the binary digits of their number say. */
function perfectSubtrees(hashes: readonly Uint8Array[]): Uint8Array[] {
  const roots: { hash: Uint8Array; count: number }[] = [];
  for (const hash of hashes) {
    let node = { hash, count: 1 };
    for (let last = roots.at(-1); last?.count === node.count; last = roots.at(-1)) {
      roots.pop();
      node = { hash: nodeHash(last.hash, node.hash), count: node.count * 2 };
    }
    roots.push(node);
  }
  return roots.map(({ hash }) => hash);
}

/** Full tiles whose partial predecessors stood in the old edge. */
function supersededBy(edge: LogEdge, files: readonly LogFile[]): string[] {
  return files.flatMap(({ path }) => {
    const place = parseTilePath(path);
    const before = tileWidth(edge.size, place.kind === 'tile' ? place.level : 0, place.index);
    return place.width === TILE_WIDTH && before > 0 ? [`${path}.p`] : [];
  });
}

function joinHashes(hashes: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(hashes));
}

function splitHashes(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / 32 }, (_, at) => tile.slice(at * 32, at * 32 + 32));
}
