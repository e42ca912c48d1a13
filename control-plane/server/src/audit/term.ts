import { formatCheckpoint, planAppend, signNote, TileReader, type LogEdge, type LogFile, type LogStorage } from '@strongroom/attestation-tlog';
import type { Clock } from '../platform/clock.js';
import type { CrashPoints } from '../platform/crash-points.js';
import type { Database } from '../platform/database.js';
import type { Randomness } from '../platform/randomness.js';
import { buildEvent, type AuditEvent, type BuiltEvent } from './audit-event.js';
import { chainRoot, sealEntry, type ChainHead, type SealedEntry } from './entry.js';
import type { LogIdentity } from './log-identity.js';
import { LogStore, type LogHead } from './log-store.js';
import { recoverLog } from './recovery.js';
import type { Witnesses } from './witnesses.js';

export interface TermSettings {
  readonly batchSize: number;
  readonly heartbeatSeconds: number;
}

export interface TermParts {
  readonly database: Database;
  readonly storage: LogStorage;
  readonly identity: LogIdentity;
  readonly witnesses: Witnesses;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly crash: CrashPoints;
  readonly settings: TermSettings;
  /** Entry 0, written to an empty log. */
  readonly genesis: AuditEvent;
}

/**
 * One term of office as the sequencer: from taking the lock and a new epoch until losing either. Two steps, each safe to repeat
 * after dying anywhere: entries and head are committed, then files and checkpoint are published from what was committed. Nothing is
 * written to storage before its entry is committed, so a sequencer that has been overtaken cannot leave a false tile behind.
 */
export class Term {
  #lastHeartbeat = -Infinity;
  /** Files of committed entries, not yet durable. */
  #files: LogFile[] = [];
  /** Partial tiles those files replace, to be removed once they are published. */
  #superseded: string[] = [];

  private constructor(
    private readonly parts: TermParts,
    private readonly store: LogStore,
    private head: LogHead,
    private edge: LogEdge,
    private published: Uint8Array | undefined,
  ) {}

  /**
   * @returns undefined while another sequencer holds the lock.
   * @throws StrongroomError `log-fork`
   */
  static async begin(parts: TermParts): Promise<Term | undefined> {
    const store = new LogStore(await parts.database.connection());
    try {
      if (!(await store.tryLock())) {
        await store.release();
        return undefined;
      }
      const head = await store.takeEpoch();
      const { edge, published } = await recoverLog(store, parts.storage, head, parts.identity);
      const term = new Term(parts, store, head, edge, published);
      await term.#assertWitnessed();
      return term;
    } catch (error) {
      await store.release();
      throw error;
    }
  }

  /** Whether something is committed that outsiders cannot see yet. */
  get isBehind(): boolean {
    return this.head.publishedSize < this.head.size;
  }

  /**
   * Puts what is pending into the log, up to a batch, and a heartbeat when one is due. Durable in the database when it returns.
   * @returns how many entries were added.
   * @throws StrongroomError `sequencer-fenced`; after any error the term is over
   */
  async sequence(): Promise<number> {
    const { batchSize } = this.parts.settings;
    const { plan, count } = await this.store.transaction(async () => {
      const pending = await this.store.pending(batchSize);
      const events = [...(this.head.size === 0n ? [this.#own(this.parts.genesis)] : []), ...pending];
      const heads = await this.store.chainHeads([...new Set(events.flatMap((event) => event.chains)), LOG_CHAIN]);
      const entries = events.map((event, at) => this.#seal(event, this.head.size + BigInt(at), heads));
      if (this.#isHeartbeatDue()) entries.push(await this.#heartbeat(this.head.size + BigInt(entries.length), heads));
      const plan = planAppend(this.edge, entries.map(({ bytes }) => bytes));
      if (entries.length > 0) {
        // The fence first: whoever was overtaken goes no further.
        await this.store.advance(this.head, plan.size, plan.rootHash);
        await this.store.insertEntries(this.head.size, entries, plan.leafHashes);
        await this.store.putChainHeads([...new Map(entries.flatMap((entry) => entry.heads).map((head) => [head.chainUid, head])).values()]);
        await this.store.deletePending(pending.map(({ id }) => id));
      }
      return { plan, count: entries.length };
    });
    if (count > 0) this.parts.crash.at('after-sequence');
    this.edge = plan.edge;
    this.#files.push(...plan.files);
    this.#superseded.push(...plan.superseded);
    this.head = { ...this.head, size: plan.size, root: plan.rootHash };
    return count;
  }

  /**
   * Makes tiles durable, has the head cosigned, and publishes its checkpoint under the fence.
   * @throws StrongroomError `witness-unavailable` (try again later); after any other error the term is over
   */
  async publish(): Promise<void> {
    const { storage, identity, witnesses, crash } = this.parts;
    await storage.write(this.#files);
    this.#files = [];
    crash.at('after-tiles');
    const { size, root } = this.head;
    const signed = signNote(formatCheckpoint({ origin: identity.origin, size, rootHash: root }), [identity.signer]);
    const note = await witnesses.cosign(signed, this.#consistencyProof);
    // The head row stays locked while the file is replaced: a successor waits for us, and we cannot overwrite its checkpoint.
    await this.store.transaction(async () => {
      await this.store.publish(this.head, size, note);
      await storage.replaceCheckpoint(this.published, note);
      crash.at('after-checkpoint-file');
    });
    crash.at('after-checkpoint');
    // Only tidying: what is left behind is never wrong, and readers find the full tile either way.
    await storage.prune(this.#superseded.splice(0)).catch(() => undefined);
    this.published = note;
    this.head = { ...this.head, publishedSize: size, checkpoint: note };
  }

  async end(): Promise<void> {
    await this.store.release();
  }

  /** Refuses a term when a witness has seen more than we have. A witness that cannot be asked is no reason to stop here. */
  async #assertWitnessed(): Promise<void> {
    if (this.head.size === 0n) return;
    const { identity, witnesses } = this.parts;
    const signed = signNote(formatCheckpoint({ origin: identity.origin, size: this.head.size, rootHash: this.head.root }), [identity.signer]);
    await witnesses.cosign(signed, this.#consistencyProof).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'witness-unavailable') throw error;
    });
  }

  readonly #consistencyProof = (oldSize: bigint, newSize: bigint) => new TileReader((path) => this.parts.storage.read(path)).consistencyProof(oldSize, newSize);

  /** Seals an event and moves the heads of its chains on. */
  #seal(event: BuiltEvent, index: bigint, heads: Map<string, ChainHead>): SealedEntry {
    const { identity, clock } = this.parts;
    const entry = sealEntry(event, { index, origin: identity.origin, loggedAt: clock.now(), heads });
    for (const head of entry.heads) heads.set(head.chainUid, head);
    return entry;
  }

  #own(event: AuditEvent): BuiltEvent {
    return buildEvent(event, this.parts.randomness.uuid(), this.parts.clock.now());
  }

  #isHeartbeatDue(): boolean {
    const now = this.parts.clock.now().getTime();
    const due = now - this.#lastHeartbeat >= this.parts.settings.heartbeatSeconds * 1000 || now < this.#lastHeartbeat;
    if (due) this.#lastHeartbeat = now;
    return due;
  }

  /** Says that the log lives, and commits the heads of all chains as they are just before it. */
  async #heartbeat(index: bigint, changed: Map<string, ChainHead>): Promise<SealedEntry> {
    const stored = await this.store.allChainHeads();
    const heads = new Map([...stored, ...changed.values()].map((head) => [head.chainUid, head]));
    const sorted = [...heads.values()].sort((a, b) => (a.chainUid < b.chainUid ? -1 : 1));
    const root = `sha256:${Buffer.from(chainRoot(sorted)).toString('hex')}`;
    const event = this.#own({ kind: 'heartbeat', message: 'the log lives', chains: [LOG_CHAIN], detail: { enrichments: [{ name: 'chain_heads', value: root, data: { chains: sorted.length, root, size: String(index) } }] } });
    return this.#seal(event, index, changed);
  }
}

/** The chain of what the log says about itself: genesis and heartbeats. */
export const LOG_CHAIN = 'log';
