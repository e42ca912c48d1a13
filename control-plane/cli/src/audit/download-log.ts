import { entriesPath, formatEntries, TILE_WIDTH, TileReader, tilePath, tileWidth, type FetchFile } from '@strongroom/attestation-tlog';

const FILES_AT_ONCE = 8;

/**
 * Copies every tile and entry bundle that a log of `size` consists of, exactly as it stands at that size, whether or not the log has
 * grown since. Nothing is verified here.
 *
 * @throws TlogError `tile-missing` | `tile-malformed` | `bundle-malformed`
 */
export async function downloadLog(fetchFile: FetchFile, size: bigint, write: (path: string, bytes: Uint8Array) => Promise<void>): Promise<number> {
  const reader = new TileReader(fetchFile);
  let files = 0;
  const work = jobs(reader, size);
  const worker = async (): Promise<void> => {
    for (const job of work) {
      const { path, bytes } = await job();
      await write(path, bytes);
      files += 1;
    }
  };
  // All stop at the first failure: the generator is shared, and ends for everybody.
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, () => worker().catch((error: unknown) => { work.return(undefined); throw error; })));
  return files;
}

type Job = () => Promise<{ readonly path: string; readonly bytes: Uint8Array }>;

function* jobs(reader: TileReader, size: bigint): Generator<Job, void> {
  for (let bundle = 0n; tileWidth(size, 0, bundle) > 0; bundle += 1n) {
    const path = entriesPath(bundle, tileWidth(size, 0, bundle));
    const at = bundle;
    yield async () => ({ path, bytes: formatEntries(await reader.entries(at, size)) });
  }
  for (let level = 0; size >> BigInt(8 * level) > 0n; level += 1) {
    for (let index = 0n; tileWidth(size, level, index) > 0; index += 1n) {
      const [path, at, height] = [tilePath(level, index, tileWidth(size, level, index)), index, level];
      yield async () => ({ path, bytes: await reader.tile(height, at, size) });
    }
  }
}

/** How many files `downloadLog` will write. */
export function logFileCount(size: bigint): bigint {
  const width = BigInt(TILE_WIDTH);
  let count = (size + width - 1n) / width;
  for (let hashes = size; hashes > 0n; hashes /= width) count += (hashes + width - 1n) / width;
  return count;
}
