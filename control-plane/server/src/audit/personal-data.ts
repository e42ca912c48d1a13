import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { canonicalBytes, toBase64url } from '@strongroom/attestation-encoding';
import { Clock } from '../platform/clock.js';
import { StrongroomError } from '../platform/errors.js';
import { Randomness } from '../platform/randomness.js';

/** Personal data enters the log only as commitments under a key of its subject; without the key they say nothing. */
@Injectable()
export class PersonalData {
  constructor(
    private readonly clock: Clock,
    private readonly randomness: Randomness,
  ) {}

  /**
   * Commits to one field of a subject: equal values of one field give equal commitments, so history can be followed and, with
   * the key, disclosed; different subjects or fields never compare.
   * @throws StrongroomError `audit-subject-erased`
   */
  async commitPersonal(manager: EntityManager, subjectId: string, field: string, value: string): Promise<`hmac-sha256:${string}`> {
    const key = await this.#keyOf(manager, subjectId);
    try {
      const mac = createHmac('sha256', key).update(canonicalBytes(['strongroom/personal/v1', field, value])).digest();
      return `hmac-sha256:${toBase64url(new Uint8Array(mac))}`;
    } finally {
      key.fill(0);
    }
  }

  /** Destroys the subject's key, for good. The log stays whole; its commitments to this subject can no longer be opened. */
  async eraseSubject(manager: EntityManager, subjectId: string): Promise<void> {
    await manager.query(
      `INSERT INTO audit_subject_key (subject_id, key, erased_at) VALUES ($1, NULL, $2)
       ON CONFLICT (subject_id) DO UPDATE SET key = NULL, erased_at = coalesce(audit_subject_key.erased_at, excluded.erased_at)`,
      [subjectId, this.clock.now()],
    );
  }

  async #keyOf(manager: EntityManager, subjectId: string): Promise<Buffer> {
    await manager.query('INSERT INTO audit_subject_key (subject_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING', [subjectId, Buffer.from(this.randomness.bytes(32))]);
    const [row]: { key: Buffer | null }[] = await manager.query('SELECT key FROM audit_subject_key WHERE subject_id = $1', [subjectId]);
    if (!row?.key) throw new StrongroomError('audit-subject-erased');
    return row.key;
  }
}
