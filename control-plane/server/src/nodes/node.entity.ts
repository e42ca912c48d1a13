import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';

/** A machine: registered by two people, then enrolled by proving that it is that machine. */
@Entity('node')
export class NodeEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  enclave!: string;

  @Column('text')
  kind!: 'tpm2' | 'software';

  /** See node-state.ts for the moves. */
  @Column('text')
  state!: 'registered' | 'enrolled' | 'suspended' | 'retired';

  @Column('text', { name: 'hardware_id' })
  hardwareId!: string;

  /** The releaser's signed binding of AK and mTLS key to this node; null until enrolled. */
  @Column('jsonb', { nullable: true })
  binding!: DsseEnvelope | null;

  @Column('text', { name: 'ak_name', nullable: true })
  akName!: string | null;

  @Column('text', { name: 'mtls_key_digest', nullable: true })
  mtlsKeyDigest!: string | null;

  @Column('text', { name: 'certificate_serial', nullable: true })
  certificateSerial!: string | null;

  @Column('timestamptz', { name: 'certificate_expires_at', nullable: true })
  certificateExpiresAt!: Date | null;
}

/** An enrolment under way at the releaser, with what only this server needs of it. */
@Entity('enrolment')
export class EnrolmentEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid')
  node!: string;

  @Column('bytea')
  csr!: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt!: Date | null;
}
