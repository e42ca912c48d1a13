import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import { Randomness } from '../platform/randomness.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { buildEvent, type AuditEvent } from './audit-event.js';
import { assertFits } from './entry.js';
import { LogReader, type PublishedEntry } from './log-reader.js';
import { LogSignals } from './log-signals.js';
import { firstOf } from './signal.js';

const POLL_MS = 100;

/** How every other domain writes history: in the transaction of what it records, or not at all. */
@Injectable()
export class AuditService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly trust: TrustAnchors,
    private readonly reader: LogReader,
    private readonly signals: LogSignals,
  ) {}

  /**
   * Records an event within the caller's transaction: it enters the log if and when that commits.
   * @param manager as `Database.inTransaction` gave it.
   * @throws StrongroomError `audit-event-invalid` | `audit-event-too-large`; then the change must not happen either
   */
  async record(manager: EntityManager, event: AuditEvent): Promise<{ eventId: string }> {
    const built = buildEvent(event, this.randomness.uuid(), this.clock.now());
    assertFits(built, this.trust.value.log.origin);
    this.database.afterCommit(manager, () => {
      this.signals.recorded.raise();
    });
    await manager.query('INSERT INTO audit_pending (event_id, event, chains) VALUES ($1, $2, $3)', [built.eventId, built.json, built.chains]);
    return { eventId: built.eventId };
  }

  /**
   * Waits until the event stands in the log under a published (and, where the anchors ask, witnessed) checkpoint.
   * @throws StrongroomError `log-not-current` after `timeoutMs` (default 10 s): nothing may be released on it
   */
  async waitForEntry(eventId: string, options: { readonly timeoutMs?: number } = {}): Promise<PublishedEntry> {
    const deadline = performance.now() + (options.timeoutMs ?? 10_000);
    for (;;) {
      const published = this.signals.published.next();
      const entry = await this.reader.publishedEntry(eventId);
      if (entry) return entry;
      const left = deadline - performance.now();
      if (left <= 0) throw new StrongroomError('log-not-current');
      // Another process may be the sequencer; then only looking tells.
      await firstOf([published], Math.min(left, POLL_MS));
    }
  }
}
