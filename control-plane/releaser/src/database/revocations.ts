import { ReleaserError } from '../errors.js';
import { lock, LOCK, type Queryable, type Transaction } from './database.js';

export type RevocationKind = 'request' | 'release' | 'node' | 'asset';
export type Revocable = Partial<Readonly<Record<RevocationKind, string>>>;

const COLUMN: Readonly<Record<RevocationKind, string>> = { request: 'request_id', release: 'release_id', node: 'node', asset: 'asset' };

/** Refuses where any of them was revoked. @throws ReleaserError `release-revoked` */
export async function requireUnrevoked(database: Queryable, ids: Revocable): Promise<void> {
  const entries = Object.entries(ids);
  const { rows } = await database.query<{ kind: string }>('SELECT kind FROM revocation WHERE (kind, id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) LIMIT 1', [
    entries.map(([kind]) => kind),
    entries.map(([, id]) => id),
  ]);
  const [found] = rows;
  if (found !== undefined) throw new ReleaserError('release-revoked', `the ${found.kind} was revoked`);
}

/** Records a revocation and ends what it covers. Asked for again, it changes nothing. */
export async function recordRevocation(
  transaction: Transaction,
  { kind, id, reason, now }: { readonly kind: RevocationKind; readonly id: string; readonly reason: string; readonly now: Date },
): Promise<void> {
  // Waits for a release on its way to `unwrapping`, which then is ended below.
  await lock(transaction, LOCK[kind], id);
  await transaction.query('INSERT INTO revocation (kind, id, at, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [kind, id, now, reason]);
  await transaction.query(`UPDATE release SET state = 'ended', ended_at = $2, ended_reason = 'revoked' WHERE ${COLUMN[kind]} = $1 AND state <> 'ended'`, [id, now]);
}
