import { fitsNumber } from './integers.js';
import type { Transaction } from './database.js';

const ROUTE = 'release';

/** Bytes debited inside the window that ends now, `except` aside. What lies in the future, by a clock set back, counts too. */
export async function usedBytes(transaction: Transaction, asset: string, { windowSeconds, now, except }: { readonly windowSeconds: number; readonly now: Date; readonly except: string }): Promise<number> {
  const since = new Date(now.getTime() - windowSeconds * 1000);
  const { rows } = await transaction.query<{ bytes: string }>('SELECT coalesce(sum(bytes), 0) AS bytes FROM ledger WHERE asset = $1 AND route = $2 AND at > $3 AND release_id <> $4', [asset, ROUTE, since, except]);
  return fitsNumber(rows[0]?.bytes);
}

/** Debits the full size of a release's shards, for good. */
export async function debit(transaction: Transaction, { releaseId, asset, bytes, now }: { readonly releaseId: string; readonly asset: string; readonly bytes: number; readonly now: Date }): Promise<void> {
  await transaction.query('INSERT INTO ledger (release_id, asset, route, at, bytes) VALUES ($1, $2, $3, $4, $5)', [releaseId, asset, ROUTE, now, bytes]);
}
