import { Inject, Injectable } from '@nestjs/common';
import { formatTlogProof, TileReader, type LogStorage } from '@strongroom/attestation-tlog';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';

export const LOG_STORAGE = Symbol('log storage');

/** An entry that outsiders can see, and the proof of it. */
export interface PublishedEntry {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  /** The entry's bytes. */
  readonly entry: Uint8Array;
  /** `.tlog-proof` text under `checkpoint`. */
  readonly proof: string;
  /** The checkpoint note. */
  readonly checkpoint: Uint8Array;
}

export interface ListedEntry {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly entry: Uint8Array;
}

export interface EntryFilter {
  /** Entries after this index; from the beginning without it. */
  readonly after?: bigint | undefined;
  /** Entries before this index. */
  readonly before?: bigint | undefined;
  readonly chain?: string | undefined;
  readonly classUid?: number | undefined;
  readonly limit: number;
}

interface EntryRow {
  index: string;
  leaf_hash: Buffer;
  entry: Buffer;
}

interface PublishedRow extends EntryRow {
  published_size: string;
  checkpoint: Buffer;
}

/** Reads what is published, from database and tiles. In every answer, size and checkpoint belong together. */
@Injectable()
export class LogReader {
  readonly #tiles: TileReader;

  constructor(
    private readonly database: Database,
    @Inject(LOG_STORAGE) storage: LogStorage,
  ) {
    this.#tiles = new TileReader((path) => storage.read(path));
  }

  /** The entry of this event with its proof, or undefined while outsiders cannot see it. */
  async publishedEntry(eventId: string): Promise<PublishedEntry | undefined> {
    const [row]: PublishedRow[] = await this.database.manager.query(
      `SELECT e.index, e.leaf_hash, e.entry, h.published_size, h.checkpoint FROM audit_entry e, audit_head h
       WHERE e.event_id = $1 AND e.index < h.published_size`,
      [eventId],
    );
    if (!row) return undefined;
    const checkpoint = new Uint8Array(row.checkpoint);
    const entry = toListed(row);
    return { ...entry, checkpoint, proof: await this.#proof(entry.index, BigInt(row.published_size), checkpoint) };
  }

  /** The `.tlog-proof` of an entry under `under`, else the newest checkpoint. @throws StrongroomError `not-found` */
  async inclusionProof(index: bigint, under?: { readonly size: bigint; readonly checkpoint: Uint8Array }): Promise<string> {
    const { size, checkpoint } = under ?? (await this.published());
    if (index < 0n || index >= size) throw new StrongroomError('not-found', 'no such entry is published');
    return this.#proof(index, size, checkpoint);
  }

  /** @throws StrongroomError `not-found` for sizes that are not published */
  async consistencyProof(oldSize: bigint, newSize: bigint): Promise<Uint8Array[]> {
    const { size } = await this.published();
    if (oldSize < 0n || oldSize > newSize || newSize > size) throw new StrongroomError('not-found', 'no such sizes are published');
    return this.#tiles.consistencyProof(oldSize, newSize);
  }

  /** The newest checkpoint. @throws StrongroomError `log-not-current` before the first */
  async published(): Promise<{ size: bigint; checkpoint: Uint8Array }> {
    const [row]: { published_size: string; checkpoint: Buffer | null }[] = await this.database.manager.query('SELECT published_size, checkpoint FROM audit_head');
    if (!row?.checkpoint) throw new StrongroomError('log-not-current', 'the log has not published a checkpoint yet');
    return { size: BigInt(row.published_size), checkpoint: new Uint8Array(row.checkpoint) };
  }

  /** Published entries in order. */
  async list(filter: EntryFilter): Promise<ListedEntry[]> {
    const rows: EntryRow[] = await this.database.manager.query(
      `SELECT e.index, e.leaf_hash, e.entry FROM audit_entry e
       WHERE e.index < (SELECT published_size FROM audit_head)
         AND e.index > $1 AND ($2::bigint IS NULL OR e.index < $2)
         AND ($3::text IS NULL OR EXISTS (SELECT FROM audit_chain_entry c WHERE c.index = e.index AND c.chain_uid = $3))
         AND ($4::int IS NULL OR e.class_uid = $4)
       ORDER BY e.index LIMIT $5`,
      [String(filter.after ?? -1n), filter.before === undefined ? null : String(filter.before), filter.chain ?? null, filter.classUid ?? null, filter.limit],
    );
    return rows.map(toListed);
  }

  async #proof(index: bigint, size: bigint, checkpoint: Uint8Array): Promise<string> {
    return formatTlogProof({ index, proof: await this.#tiles.inclusionProof(index, size), checkpoint });
  }
}

function toListed(row: EntryRow): ListedEntry {
  return { index: BigInt(row.index), leafHash: new Uint8Array(row.leaf_hash), entry: new Uint8Array(row.entry) };
}
