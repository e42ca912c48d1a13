import { parseEntries } from './entry-bundle.js';
import { TlogError } from './errors.js';
import { emptyRootHash, nodeHash } from './merkle.js';
import { entriesPath, TILE_WIDTH, tilePath, tileWidth } from './tile-path.js';

/** Gets a file of the log by its path relative to the log's folder; `undefined` when there is none. Other failures throw. */
export type FetchFile = (path: string) => Promise<Uint8Array | undefined>;

const CACHED_TILES = 512;

/**
 * Reads hashes, proofs and entries of a log from its tiles.
 *
 * Nothing here is proven: a lying store gives lying hashes, which the verifier of a proof then refuses. `size` is always the
 * caller's, from a checkpoint. A partial tile that was removed after its tile filled up is read from the full one.
 * Keeps the last full tiles in memory (they never change).
 *
 * @throws TlogError `tile-missing` | `tile-malformed` | `bundle-malformed` | `merkle-range`
 * @see c2sp.org/tlog-tiles
 */
export class TileReader {
  readonly #fetchFile: FetchFile;
  readonly #fullTiles = new Map<string, Uint8Array>();

  constructor(fetchFile: FetchFile) {
    this.#fetchFile = fetchFile;
  }

  async rootHash(size: bigint): Promise<Uint8Array> {
    return size === 0n ? emptyRootHash() : this.#rangeHash(0n, size, size);
  }

  async leafHashAt(index: bigint, size: bigint): Promise<Uint8Array> {
    requireBelow(index, size);
    return this.#nodeAt(0, index, size);
  }

  /** From the leaf's sibling up, for the tree of `size`. */
  async inclusionProof(index: bigint, size: bigint): Promise<Uint8Array[]> {
    requireBelow(index, size);
    return this.#inclusionPath(index, 0n, size, size);
  }

  /** Empty when `oldSize` is 0 or `newSize`. */
  async consistencyProof(oldSize: bigint, newSize: bigint): Promise<Uint8Array[]> {
    if (oldSize < 0n || oldSize > newSize) throw new TlogError('merkle-range', 'the older tree is the larger one');
    if (oldSize === 0n || oldSize === newSize) return [];
    return this.#consistencyPath(oldSize, 0n, newSize, true, newSize);
  }

  /** The entry's bytes; compare `leafHash(entry)` with a proof before trusting them. */
  async entry(index: bigint, size: bigint): Promise<Uint8Array> {
    requireBelow(index, size);
    const bundle = index / BigInt(TILE_WIDTH);
    const entries = await this.entries(bundle, size);
    const entry = entries[Number(index % BigInt(TILE_WIDTH))];
    if (entry === undefined) throw new TlogError('bundle-malformed', 'an entry bundle ends early');
    return entry;
  }

  /** The entries of one bundle that belong to the log of `size`: entries `256 × bundle` and on. */
  async entries(bundle: bigint, size: bigint): Promise<Uint8Array[]> {
    const width = tileWidth(size, 0, bundle);
    if (width === 0) throw new TlogError('merkle-range', 'no such bundle in a log of this size');
    const exact = await this.#fetchFile(entriesPath(bundle, width));
    if (exact !== undefined) return parseEntries(exact, width);
    const full = width === TILE_WIDTH ? undefined : await this.#fetchFile(entriesPath(bundle));
    if (full === undefined) throw new TlogError('tile-missing', `${entriesPath(bundle, width)} is missing`);
    return parseEntries(full, width, { allowMore: true });
  }

  /** The hashes of a tile, end to end, as it stands in a log of `size`. */
  async tile(level: number, index: bigint, size: bigint): Promise<Uint8Array> {
    const width = tileWidth(size, level, index);
    if (width === 0) throw new TlogError('merkle-range', 'no such tile in a log of this size');
    const partial = width === TILE_WIDTH ? undefined : await this.#fetchFile(tilePath(level, index, width));
    if (partial !== undefined) return requireLength(partial, width, tilePath(level, index, width));
    const full = await this.#fullTile(tilePath(level, index), tilePath(level, index, width));
    return full.subarray(0, width * 32);
  }

  async #fullTile(path: string, wanted: string): Promise<Uint8Array> {
    const cached = this.#fullTiles.get(path);
    if (cached !== undefined) return cached;
    const bytes = await this.#fetchFile(path);
    if (bytes === undefined) throw new TlogError('tile-missing', `${wanted} is missing`);
    const tile = requireLength(bytes, TILE_WIDTH, path);
    if (this.#fullTiles.size >= CACHED_TILES) this.#fullTiles.delete(this.#fullTiles.keys().next().value ?? '');
    this.#fullTiles.set(path, tile);
    return tile;
  }

  /** Hash of the perfect subtree of 2^height leaves that is number `index` of its height. */
  async #nodeAt(height: number, index: bigint, size: bigint): Promise<Uint8Array> {
    const level = Math.floor(height / 8);
    const within = BigInt(height % 8);
    const first = index << within;
    const tile = await this.tile(level, first / BigInt(TILE_WIDTH), size);
    const start = Number(first % BigInt(TILE_WIDTH));
    const count = 1 << Number(within);
    let hashes: Uint8Array[] = Array.from({ length: count }, (_, at) => tile.slice((start + at) * 32, (start + at + 1) * 32));
    while (hashes.length > 1) {
      hashes = hashes.flatMap((left, at) => (at % 2 === 0 ? [nodeHash(left, hashes[at + 1] ?? left)] : []));
    }
    return hashes[0] ?? emptyRootHash();
  }

  /** MTH(D[start:end]). @see RFC 6962 section 2.1 */
  async #rangeHash(start: bigint, end: bigint, size: bigint): Promise<Uint8Array> {
    const length = end - start;
    const height = bitLength(length) - 1;
    if (length === 1n << BigInt(height)) return this.#nodeAt(height, start >> BigInt(height), size);
    const middle = start + largestPowerBelow(length);
    return nodeHash(await this.#rangeHash(start, middle, size), await this.#rangeHash(middle, end, size));
  }

  /** PATH(index, D[start:end]). @see RFC 6962 section 2.1.1 */
  async #inclusionPath(index: bigint, start: bigint, end: bigint, size: bigint): Promise<Uint8Array[]> {
    if (end - start === 1n) return [];
    const middle = start + largestPowerBelow(end - start);
    return index < middle
      ? [...(await this.#inclusionPath(index, start, middle, size)), await this.#rangeHash(middle, end, size)]
      : [...(await this.#inclusionPath(index, middle, end, size)), await this.#rangeHash(start, middle, size)];
  }

  /** SUBPROOF(oldEnd, D[start:end], isWhole). @see RFC 6962 section 2.1.2 */
  async #consistencyPath(oldEnd: bigint, start: bigint, end: bigint, isWhole: boolean, size: bigint): Promise<Uint8Array[]> {
    if (oldEnd === end) return isWhole ? [] : [await this.#rangeHash(start, end, size)];
    const middle = start + largestPowerBelow(end - start);
    return oldEnd <= middle
      ? [...(await this.#consistencyPath(oldEnd, start, middle, isWhole, size)), await this.#rangeHash(middle, end, size)]
      : [...(await this.#consistencyPath(oldEnd, middle, end, false, size)), await this.#rangeHash(start, middle, size)];
  }
}

function requireBelow(index: bigint, size: bigint): void {
  if (index < 0n || index >= size) throw new TlogError('merkle-range', 'index is not below the tree size');
}

function requireLength(bytes: Uint8Array, width: number, path: string): Uint8Array {
  if (bytes.length !== width * 32) throw new TlogError('tile-malformed', `${path} is not ${width} hashes`);
  return bytes;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

/** The largest power of two that is less than `value`, for `value` above 1. */
function largestPowerBelow(value: bigint): bigint {
  return 1n << BigInt(bitLength(value - 1n) - 1);
}
