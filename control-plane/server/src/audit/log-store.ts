import type { QueryRunner } from 'typeorm';
import { StrongroomError } from '../platform/errors.js';
import type { BuiltEvent } from './audit-event.js';
import type { ChainHead, SealedEntry } from './entry.js';

/** Session-level lock of the one sequencer. Any fixed number; the same in every replica. */
const SEQUENCER_LOCK = 7_104_302;

export interface LogHead {
  readonly epoch: bigint;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly publishedSize: bigint;
  /** The checkpoint note last published. */
  readonly checkpoint: Uint8Array | undefined;
}

interface HeadRow {
  epoch: string;
  size: string;
  root: Buffer;
  published_size: string;
  checkpoint: Buffer | null;
}

interface ChainRow {
  chain_uid: string;
  position: string;
  event_id: string;
  type_uid: number;
  fingerprint: Buffer;
}

interface PendingRow {
  id: string;
  event_id: string;
  event: string;
  chains: string[];
}

export interface PendingEvent extends BuiltEvent {
  readonly id: string;
}

/**
 * The sequencer's SQL, all over the one connection that holds the lock: when that connection dies, so does the right to write.
 * The epoch guards what the lock cannot: a statement sent before the loss and arriving after it.
 */
export class LogStore {
  constructor(private readonly runner: QueryRunner) {}

  async tryLock(): Promise<boolean> {
    const [row] = await this.#rows<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [SEQUENCER_LOCK]);
    return row?.locked === true;
  }

  /** Ends the right of every earlier sequencer to write. */
  async takeEpoch(): Promise<LogHead> {
    const [row] = await this.#rows<HeadRow>('UPDATE audit_head SET epoch = epoch + 1 RETURNING *', []);
    if (!row) throw new StrongroomError('log-fork', 'the log has no head row');
    return toHead(row);
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.runner.startTransaction('READ COMMITTED');
    try {
      const result = await work();
      await this.runner.commitTransaction();
      return result;
    } catch (error) {
      // A rollback that fails too has lost its connection, and with it the transaction.
      await this.runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  async pending(limit: number): Promise<PendingEvent[]> {
    const rows = await this.#rows<PendingRow>('SELECT id, event_id, event, chains FROM audit_pending ORDER BY id LIMIT $1', [limit]);
    return rows.map((row) => ({ id: row.id, eventId: row.event_id, json: row.event, chains: row.chains }));
  }

  async chainHeads(chainUids: readonly string[]): Promise<Map<string, ChainHead>> {
    const rows = await this.#rows<ChainRow>('SELECT * FROM audit_chain WHERE chain_uid = ANY($1)', [chainUids]);
    return new Map(rows.map((row) => [row.chain_uid, toChainHead(row)]));
  }

  /** All chains, in the order of their names. */
  async allChainHeads(): Promise<ChainHead[]> {
    return (await this.#rows<ChainRow>('SELECT * FROM audit_chain ORDER BY chain_uid', [])).map(toChainHead);
  }

  async insertEntries(first: bigint, entries: readonly SealedEntry[], leafHashes: readonly Uint8Array[]): Promise<void> {
    const indexes = entries.map((_, at) => String(first + BigInt(at)));
    await this.runner.query(
      `INSERT INTO audit_entry (index, event_id, leaf_hash, class_uid, time_ms, entry)
       SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::int[], $5::bigint[], $6::bytea[])`,
      [indexes, entries.map((e) => e.eventId), leafHashes.map((h) => Buffer.from(h)), entries.map((e) => e.classUid), entries.map((e) => e.timeMs), entries.map((e) => Buffer.from(e.bytes))],
    );
    const links = entries.flatMap((entry, at) => entry.heads.map((head) => ({ ...head, index: indexes[at] })));
    await this.runner.query(
      `INSERT INTO audit_chain_entry (chain_uid, position, index) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])`,
      [links.map((l) => l.chainUid), links.map((l) => String(l.position)), links.map((l) => l.index)],
    );
  }

  async putChainHeads(heads: readonly ChainHead[]): Promise<void> {
    await this.runner.query(
      `INSERT INTO audit_chain (chain_uid, position, event_id, type_uid, fingerprint)
       SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::int[], $5::bytea[])
       ON CONFLICT (chain_uid) DO UPDATE
       SET position = excluded.position, event_id = excluded.event_id, type_uid = excluded.type_uid, fingerprint = excluded.fingerprint`,
      [heads.map((h) => h.chainUid), heads.map((h) => String(h.position)), heads.map((h) => h.eventId), heads.map((h) => h.typeUid), heads.map((h) => Buffer.from(h.fingerprint))],
    );
  }

  async deletePending(ids: readonly string[]): Promise<void> {
    await this.runner.query('DELETE FROM audit_pending WHERE id = ANY($1::bigint[])', [ids]);
  }

  /** Compare and swap of the head. @throws StrongroomError `sequencer-fenced` */
  async advance(from: LogHead, size: bigint, root: Uint8Array): Promise<void> {
    await this.#swap('UPDATE audit_head SET size = $1, root = $2 WHERE epoch = $3 AND size = $4', [String(size), Buffer.from(root), String(from.epoch), String(from.size)]);
  }

  /** Compare and swap of what is published; holds the row until the transaction ends. @throws StrongroomError `sequencer-fenced` */
  async publish(from: LogHead, size: bigint, checkpoint: Uint8Array): Promise<void> {
    await this.#swap('UPDATE audit_head SET published_size = $1, checkpoint = $2 WHERE epoch = $3 AND published_size = $4', [
      String(size),
      Buffer.from(checkpoint),
      String(from.epoch),
      String(from.publishedSize),
    ]);
  }

  /** Entries from `first` on, in order. */
  async entries(first: bigint, limit: number): Promise<Uint8Array[]> {
    const rows = await this.#rows<{ entry: Buffer }>('SELECT entry FROM audit_entry WHERE index >= $1 ORDER BY index LIMIT $2', [String(first), limit]);
    return rows.map((row) => new Uint8Array(row.entry));
  }

  /** Gives the lock back with the connection. */
  async release(): Promise<void> {
    await this.runner.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
    await this.runner.release().catch(() => undefined);
  }

  async #swap(sql: string, parameters: unknown[]): Promise<void> {
    const { affected } = await this.runner.query(sql, parameters, true);
    if (affected !== 1) throw new StrongroomError('sequencer-fenced', 'another sequencer has taken over the log');
  }

  async #rows<T>(sql: string, parameters: unknown[]): Promise<T[]> {
    const { records } = await this.runner.query(sql, parameters, true);
    return records as T[];
  }
}

export function toHead(row: HeadRow): LogHead {
  return {
    epoch: BigInt(row.epoch),
    size: BigInt(row.size),
    root: new Uint8Array(row.root),
    publishedSize: BigInt(row.published_size),
    checkpoint: row.checkpoint === null ? undefined : new Uint8Array(row.checkpoint),
  };
}

function toChainHead(row: ChainRow): ChainHead {
  return { chainUid: row.chain_uid, position: BigInt(row.position), eventId: row.event_id, typeUid: row.type_uid, fingerprint: new Uint8Array(row.fingerprint) };
}
