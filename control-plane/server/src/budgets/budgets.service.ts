import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import { LedgerEntity } from './ledger.entity.js';

// Serialises everything that reads and then debits one asset's budget.
const LEDGER_LOCK = 7_104_316;

export interface Debit {
  readonly release: string;
  readonly asset: string;
  readonly route: string;
  readonly bytes: number;
}

/** The ledger of bytes that left, by asset, route and window. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Holds the asset's ledger until the transaction ends: whoever reads it to debit must hold it. */
  async lock(manager: EntityManager, asset: string): Promise<void> {
    await manager.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LEDGER_LOCK, asset]);
  }

  /** Bytes debited within the window that ends now. */
  async used(asset: string, route: string, windowSeconds: number, manager: EntityManager = this.database.manager): Promise<number> {
    const since = new Date(this.clock.now().getTime() - windowSeconds * 1000);
    const rows: { sum: string }[] = await manager.query('SELECT coalesce(sum(bytes), 0) AS sum FROM budget_ledger WHERE asset = $1 AND route = $2 AND at > $3', [asset, route, since]);
    return Number(rows[0]?.sum ?? Number.NaN);
  }

  /** Debits for good. @throws StrongroomError `defect` for no bytes at all */
  async debit(manager: EntityManager, debit: Debit): Promise<void> {
    if (!Number.isSafeInteger(debit.bytes) || debit.bytes <= 0) throw new StrongroomError('defect', 'a debit has a positive number of bytes');
    await manager.insert(LedgerEntity, { ...debit, at: this.clock.now() });
  }
}
