import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';
import type { SealedMessage } from '@strongroom/control-plane-contract';

/** A sealed model, by its newest custody manifest. */
@Entity('asset')
export class AssetEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  class!: string;

  @Column('text')
  owner!: string;

  @Column('text')
  state!: 'registered' | 'revoked';

  @Column('int')
  version!: number;

  @Column('text', { name: 'seal_id' })
  sealId!: string;

  @Column('text', { name: 'manifest_digest', unique: true })
  manifestDigest!: string;

  @Column('jsonb')
  manifest!: DsseEnvelope;

  /** Audit event that put the manifest into the log. */
  @Column('uuid', { name: 'event_id' })
  eventId!: string;
}

/** A shard key, wrapped encrypt-only to the key service. We cannot unwrap it. */
@Entity('wrapped_key')
export class WrappedKeyEntity {
  @PrimaryColumn('uuid')
  asset!: string;

  @PrimaryColumn('text', { name: 'seal_id' })
  sealId!: string;

  @PrimaryColumn('int')
  shard!: number;

  @Column('jsonb')
  wrapped!: SealedMessage;
}
