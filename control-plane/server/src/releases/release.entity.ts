import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ReleaseStatement } from '@strongroom/control-plane-contract';
import type { ReleaseState } from './release-state.js';

/** One release, from the moment its bytes are reserved. */
@Entity('release')
export class ReleaseEntity {
  /** Chosen by the agent, so that a retry is the same release. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid')
  request!: string;

  @Column('uuid')
  node!: string;

  @Column('uuid')
  asset!: string;

  /** See release-state.ts for the moves. */
  @Column('text')
  state!: ReleaseState;

  @Column('text', { name: 'transport_key_digest' })
  transportKeyDigest!: string;

  @Column('text', { name: 'evidence_digest' })
  evidenceDigest!: string;

  /** What the log says of it. */
  @Column('jsonb')
  statement!: ReleaseStatement;

  @Column('uuid', { name: 'event_id' })
  eventId!: string;

  @Column('timestamptz', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  @Column('text', { name: 'end_reason', nullable: true })
  endReason!: string | null;
}
