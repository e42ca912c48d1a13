import { MAX_UINT64 } from './decimal.js';
import { TlogError } from './errors.js';

/** Hashes in a full tile, and entries in a full bundle: tiles are 8 levels high. */
export const TILE_WIDTH = 256;
export const MAX_TILE_LEVEL = 63;

export type LogPath =
  | { readonly kind: 'tile'; readonly level: number; readonly index: bigint; readonly width: number }
  | { readonly kind: 'entries'; readonly index: bigint; readonly width: number };

const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

/**
 * `tile/<L>/<N>[.p/<W>]`.
 * @param width hashes in the tile, 1 to 256; 256 is the full tile.
 * @throws TlogError `path-malformed`
 * @see c2sp.org/tlog-tiles#merkle-tree
 */
export function tilePath(level: number, index: bigint, width = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > MAX_TILE_LEVEL) throw new TlogError('path-malformed', 'a tile level is 0 to 63');
  return `tile/${level}/${formatIndex(index)}${formatWidth(width)}`;
}

/** `tile/entries/<N>[.p/<W>]`. @throws TlogError `path-malformed` @see c2sp.org/tlog-tiles#log-entries */
export function entriesPath(index: bigint, width = TILE_WIDTH): string {
  return `tile/entries/${formatIndex(index)}${formatWidth(width)}`;
}

/** Reads a tile or bundle path. Strict: one spelling for each. @throws TlogError `path-malformed` */
export function parseTilePath(path: string): LogPath {
  const [, kind = '', groups = '', widthText] = (path.length <= 64 && PATH.exec(path)) || [];
  const index = BigInt(`0${groups.replaceAll(/[x/]/g, '')}`);
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  const isPartial = widthText !== undefined;
  if (groups === '' || index > MAX_UINT64 || (isPartial && (width < 1 || width >= TILE_WIDTH))) {
    throw new TlogError('path-malformed', 'not a tile path');
  }
  const level = kind === 'entries' ? undefined : Number(kind);
  const canonical = level === undefined ? entriesPath(index, width) : tilePath(level, index, width);
  if (canonical !== path) throw new TlogError('path-malformed', 'not the spelling of this tile path');
  return level === undefined ? { kind: 'entries', index, width } : { kind: 'tile', level, index, width };
}

/** How many hashes tile `index` of `level` has in a tree of `size` leaves: 0 (no such tile) to 256. */
export function tileWidth(size: bigint, level: number, index: bigint): number {
  const left = (size >> BigInt(8 * level)) - index * BigInt(TILE_WIDTH);
  if (left <= 0n) return 0;
  return left >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(left);
}

/** Where entry `index` of a log of `size` entries is kept. @throws TlogError `merkle-range` */
export function entriesPathOf(index: bigint, size: bigint): string {
  if (index < 0n || index >= size) throw new TlogError('merkle-range', 'index is not below the tree size');
  const bundle = index / BigInt(TILE_WIDTH);
  return entriesPath(bundle, tileWidth(size, 0, bundle));
}

function formatIndex(index: bigint): string {
  if (index < 0n || index > MAX_UINT64) throw new TlogError('path-malformed', 'a tile index is an unsigned 64-bit number');
  const digits = index.toString();
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/.{3}/g) ?? [];
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
}

function formatWidth(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new TlogError('path-malformed', 'a tile width is 1 to 256');
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}

