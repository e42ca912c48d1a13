import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccessRequest, Approval } from '@strongroom/control-plane-contract';
import type { RequestState } from './request-state.js';

/** A request with its one statement, which never changes; only state and uses do. */
@Entity('access_request')
export class AccessRequestEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { unique: true })
  digest!: string;

  @Column('jsonb')
  statement!: AccessRequest;

  /** See request-state.ts for the moves. */
  @Column('text')
  state!: RequestState;

  @Column('int')
  uses!: number;

  @Column('uuid')
  node!: string;

  @Column('uuid')
  asset!: string;

  @Column('uuid', { name: 'requested_by' })
  requestedBy!: string;

  /** Policy the request was made under; approvals under another do not count. */
  @Column('text', { name: 'policy_digest' })
  policyDigest!: string;
}

/** A signed vote, kept for ever as it was given. */
@Entity('approval')
export class ApprovalEntity {
  @PrimaryColumn('text', { name: 'statement_digest' })
  statementDigest!: string;

  @Column('uuid')
  request!: string;

  @Column('uuid')
  approver!: string;

  @Column('jsonb')
  approval!: Approval;

  @Column('bigint', { generated: 'increment' })
  position!: string;

  @Column('timestamptz')
  at!: Date;

  /** Audit event that records it. */
  @Column('uuid', { name: 'event_id' })
  eventId!: string;
}
