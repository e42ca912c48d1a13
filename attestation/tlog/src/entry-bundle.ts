import { TlogError } from './errors.js';
import { TILE_WIDTH } from './tile-path.js';

/** The length of an entry is written in 16 bits. */
export const MAX_ENTRY_BYTES = 65_535;
/** The largest possible bundle: 256 entries of the greatest length, each after its length. */
export const MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2);

/** Entries as they stand in a bundle: big-endian 16-bit length and bytes, repeated. @throws TlogError `entry-too-large` */
export function formatEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.alloc(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new TlogError('entry-too-large', `an entry has at most ${MAX_ENTRY_BYTES} bytes`);
    at = bytes.writeUInt16BE(entry.length, at);
    bytes.set(entry, at);
    at += entry.length;
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Reads a bundle of exactly `count` entries.
 * @param options.allowMore the bundle may hold more (a full one read in place of a partial one); the rest is not looked at.
 * @throws TlogError `bundle-malformed`
 * @see c2sp.org/tlog-tiles#log-entries
 */
export function parseEntries(bundle: Uint8Array, count: number, options: { readonly allowMore?: boolean } = {}): Uint8Array[] {
  if (bundle.length > MAX_BUNDLE_BYTES) throw new TlogError('bundle-malformed', 'an entry bundle is too large');
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < count) {
    const start = at + 2;
    const end = start <= bundle.length ? start + view.getUint16(at) : Infinity;
    if (end > bundle.length) throw new TlogError('bundle-malformed', 'an entry bundle ends early');
    entries.push(bundle.slice(start, end));
    at = end;
  }
  if (at !== bundle.length && options.allowMore !== true) throw new TlogError('bundle-malformed', 'bytes after the last entry of a bundle');
  return entries;
}
