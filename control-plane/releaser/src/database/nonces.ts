import { sha256 } from '@strongroom/attestation-encoding';
import type { EvidencePurpose } from '@strongroom/attestation-model';
import { ReleaserError } from '../errors.js';
import { lock, LOCK, type Queryable, type Transaction } from './database.js';

/** A node that asks for more without answering is refused until some expire. */
export const MAX_OUTSTANDING_NONCES = 32;
/** Long enough for a retry to find what a nonce was used for, short enough to keep the table small. */
const KEEP_MS = 24 * 60 * 60 * 1000;

export interface NonceClaim {
  readonly nonce: Uint8Array;
  readonly node: string;
  readonly purpose: EvidencePurpose;
  /** What it is used for: a release id. */
  readonly usedFor: string;
  readonly now: Date;
}

/** @throws ReleaserError `nonce-limit` */
export async function storeNonce(
  transaction: Transaction,
  nonce: Uint8Array,
  { node, purpose, now, expiresAt }: { readonly node: string; readonly purpose: EvidencePurpose; readonly now: Date; readonly expiresAt: Date },
): Promise<void> {
  await lock(transaction, LOCK.node, node);
  await transaction.query('DELETE FROM nonce WHERE expires_at < $1', [new Date(now.getTime() - KEEP_MS)]);
  const { rows } = await transaction.query<{ outstanding: string }>('SELECT count(*) AS outstanding FROM nonce WHERE node = $1 AND used_at IS NULL AND expires_at > $2', [node, now]);
  if (Number(rows[0]?.outstanding ?? Infinity) >= MAX_OUTSTANDING_NONCES) throw new ReleaserError('nonce-limit', 'too many challenges of this node are unanswered');
  await transaction.query('INSERT INTO nonce (digest, node, purpose, expires_at) VALUES ($1, $2, $3, $4)', [sha256(nonce), node, purpose, expiresAt]);
}

/**
 * Is the nonce ours, for this node and purpose, and free? One used for the very same thing may be shown again, whatever its age:
 * that is a retry.
 * @throws ReleaserError `nonce-unknown` | `nonce-purpose` | `nonce-used` | `nonce-expired`
 */
export async function requireNonce(database: Queryable, claim: NonceClaim): Promise<void> {
  const { rows } = await database.query<{ node: string; purpose: string; expires_at: Date; used_for: string | null }>(
    'SELECT node, purpose, expires_at, used_for FROM nonce WHERE digest = $1',
    [sha256(claim.nonce)],
  );
  const [found] = rows;
  // Another node's nonce is as unknown as none: its existence is nobody else's business.
  if (found === undefined || found.node !== claim.node) throw new ReleaserError('nonce-unknown', 'the nonce was not given to this node');
  if (found.purpose !== claim.purpose) throw new ReleaserError('nonce-purpose', 'the nonce was given for another purpose');
  if (found.used_for === claim.usedFor) return;
  if (found.used_for !== null) throw new ReleaserError('nonce-used', 'the nonce was used already');
  if (!(claim.now < found.expires_at)) throw new ReleaserError('nonce-expired', 'the nonce has expired');
}

/** Uses the nonce up. @throws ReleaserError as `requireNonce` */
export async function consumeNonce(transaction: Transaction, claim: NonceClaim): Promise<void> {
  await requireNonce(transaction, claim);
  const { rowCount } = await transaction.query('UPDATE nonce SET used_at = $2, used_for = $3 WHERE digest = $1 AND used_at IS NULL', [sha256(claim.nonce), claim.now, claim.usedFor]);
  // Somebody was faster between the two statements.
  if (rowCount !== 1) throw new ReleaserError('nonce-used', 'the nonce was used already');
}
