import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Bytes a release took from a budget. Rows are only ever added: budgets go down, never up (protocol rule 12). */
@Entity('budget_ledger')
export class LedgerEntity {
  /** The release that took them; so nothing is debited twice. */
  @PrimaryColumn('uuid')
  release!: string;

  @Column('uuid')
  asset!: string;

  @Column('text')
  route!: string;

  @Column('bigint', { transformer: { from: Number, to: String } })
  bytes!: number;

  @Column('timestamptz')
  at!: Date;
}
