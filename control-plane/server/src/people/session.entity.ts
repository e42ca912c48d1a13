import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A signed-in session. The token itself is never stored. */
@Entity('session')
export class SessionEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid')
  person!: string;

  /** SHA-256 of the token. */
  @Column('bytea', { name: 'token_digest', unique: true })
  tokenDigest!: Buffer;

  /** The sign-in assertion's id: each assertion opens one session. */
  @Column('text', { name: 'assertion_id', unique: true })
  assertionId!: string;

  /** The key that signed in; a roster without it ends the session. */
  @Column('text', { name: 'key_id' })
  keyId!: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;
}
