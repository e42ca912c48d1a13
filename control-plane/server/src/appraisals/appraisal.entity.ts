import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A nonce the releaser chose and we passed on. Serves once, for one node and purpose. */
@Entity('challenge')
export class ChallengeEntity {
  /** SHA-256 of the nonce. */
  @PrimaryColumn('bytea', { name: 'nonce_digest' })
  nonceDigest!: Buffer;

  @Column('uuid')
  node!: string;

  @Column('text')
  purpose!: 'enrol' | 'release' | 'renew';

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt!: Date | null;
}

/** One appraisal and its result. */
@Entity('appraisal')
export class AppraisalEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid')
  node!: string;

  @Column('text')
  purpose!: 'enrol' | 'release' | 'renew';

  @Column('text')
  status!: string;

  @Column('text', { nullable: true })
  environment!: string | null;

  @Column('text', { name: 'evidence_digest' })
  evidenceDigest!: string;

  /** Signed EAR. */
  @Column('text')
  ear!: string;

  @Column('timestamptz')
  at!: Date;
}
