import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';

/** One version of a signed document, as it was given; never changed, never deleted. */
@Entity('document')
export class DocumentEntity {
  @PrimaryColumn('text')
  kind!: string;

  /** What the document is about: an enclave, a node, or the tenant. */
  @PrimaryColumn('text')
  subject!: string;

  @PrimaryColumn('int')
  version!: number;

  @Column('text', { unique: true })
  digest!: string;

  @Column('jsonb')
  envelope!: DsseEnvelope;

  @Column('timestamptz', { name: 'registered_at' })
  registeredAt!: Date;

  /** Audit event that records it. */
  @Column('uuid', { name: 'event_id' })
  eventId!: string;
}
