import { canonicalDigest } from '@strongroom/attestation-encoding';
import type { VerifiedRelease } from '@strongroom/control-plane-contract';
import { ReleaserError } from '../errors.js';
import { fitsNumber } from './integers.js';
import type { Queryable, Transaction } from './database.js';

/**
 * `unwrapping`: debited, and counted as released whatever happens next. `answered`: the keys may have left. `ended`: nothing more
 * leaves. There is no way back; the database holds the same table.
 */
export type ReleaseState = 'unwrapping' | 'answered' | 'ended';

/** What a retry must repeat to be the same release. */
export interface ReleaseIdentity {
  readonly releaseId: string;
  readonly requestId: string;
  readonly node: string;
  readonly transportKeyDigest: string;
  readonly evidenceDigest: string;
  readonly statementDigest: string;
}

export interface StoredRelease extends ReleaseIdentity {
  readonly requestDigest: string;
  readonly asset: string;
  readonly enclave: string;
  readonly environments: readonly string[];
  readonly akName: string;
  readonly mtlsKeyDigest: string;
  readonly leaseSeconds: number;
  readonly renewSeconds: number;
  readonly notAfter: Date;
  readonly resetCount: number;
  readonly state: ReleaseState;
  readonly sequence: number;
  readonly leasedAt: Date | null;
}

interface Row {
  release_id: string;
  request_id: string;
  request_digest: string;
  asset: string;
  node: string;
  enclave: string;
  environments: string[];
  ak_name: string;
  mtls_key_digest: string;
  transport_key_digest: string;
  evidence_digest: string;
  statement_digest: string;
  lease_seconds: number;
  renew_seconds: number;
  not_after: Date;
  reset_count: string;
  state: ReleaseState;
  sequence: number;
  leased_at: Date | null;
}

export function identityOf({ statement }: Pick<VerifiedRelease, 'statement'>): ReleaseIdentity {
  return {
    releaseId: statement.release_id,
    requestId: statement.request_id,
    node: statement.node,
    transportKeyDigest: statement.transport_key_digest,
    evidenceDigest: statement.evidence_digest,
    statementDigest: canonicalDigest(statement),
  };
}

export async function findRelease(database: Queryable, releaseId: string): Promise<StoredRelease | undefined> {
  const { rows } = await database.query<Row>('SELECT * FROM release WHERE release_id = $1', [releaseId]);
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    releaseId: row.release_id,
    requestId: row.request_id,
    requestDigest: row.request_digest,
    asset: row.asset,
    node: row.node,
    enclave: row.enclave,
    environments: row.environments,
    akName: row.ak_name,
    mtlsKeyDigest: row.mtls_key_digest,
    transportKeyDigest: row.transport_key_digest,
    evidenceDigest: row.evidence_digest,
    statementDigest: row.statement_digest,
    leaseSeconds: row.lease_seconds,
    renewSeconds: row.renew_seconds,
    notAfter: row.not_after,
    resetCount: fitsNumber(row.reset_count),
    state: row.state,
    sequence: row.sequence,
    leasedAt: row.leased_at,
  };
}

/**
 * May `release` be served again as `identity`? Only while its first lease runs, and never once it was renewed: afterwards fresh
 * evidence is the only way on. One that was never answered gave no lease yet, and waits as long as its logged decision is fresh.
 *
 * @throws ReleaserError `release-conflict` | `release-not-active`
 */
export function requireSameRelease(release: StoredRelease, identity: ReleaseIdentity, now: Date): void {
  const same = (Object.keys(identity) as (keyof ReleaseIdentity)[]).every((member) => release[member] === identity[member]);
  if (!same) throw new ReleaserError('release-conflict', 'this release id was used for another release');
  if (release.state === 'ended') throw new ReleaserError('release-not-active', 'the release has ended');
  if (release.state === 'answered' && (release.sequence > 0 || firstLeaseSecondsLeft(release, now) < 1)) {
    throw new ReleaserError('release-not-active', 'the first lease is over; only a renewal goes on');
  }
}

/** Whole seconds left of the lease that came, or will come, with the keys. */
export function firstLeaseSecondsLeft({ leaseSeconds, leasedAt }: Pick<StoredRelease, 'leaseSeconds' | 'leasedAt'>, now: Date): number {
  return leasedAt === null ? leaseSeconds : Math.floor(leaseSeconds - (now.getTime() - leasedAt.getTime()) / 1000);
}

export async function insertRelease(transaction: Transaction, material: VerifiedRelease, { resetCount, now }: { readonly resetCount: number; readonly now: Date }): Promise<void> {
  const { statement, request, manifest } = material;
  await transaction.query(
    `INSERT INTO release (release_id, request_id, request_digest, asset, node, enclave, environments, ak_name, mtls_key_digest, transport_key_digest, evidence_digest,
       statement_digest, shards, bytes, lease_seconds, renew_seconds, not_after, reset_count, state, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 'unwrapping', $19)`,
    [
      statement.release_id,
      request.id,
      material.requestDigest,
      request.asset,
      request.node,
      request.enclave,
      manifest.value.environments,
      statement.ak_name,
      statement.mtls_key_digest,
      statement.transport_key_digest,
      statement.evidence_digest,
      canonicalDigest(statement),
      statement.shards,
      statement.bytes,
      statement.lease.seconds,
      statement.lease.renew_seconds,
      new Date(statement.lease.not_after),
      resetCount,
      now,
    ],
  );
}

/** How often the request was used, `except` aside: each release row is one use, whatever became of it. */
export async function countUses(transaction: Transaction, requestId: string, except: string): Promise<number> {
  const { rows } = await transaction.query<{ uses: string }>('SELECT count(*) AS uses FROM release WHERE request_id = $1 AND release_id <> $2', [requestId, except]);
  return fitsNumber(rows[0]?.uses);
}

/**
 * Marks the keys as leaving. False when the release ended meanwhile: then they must not.
 * A retry keeps the instant of the first answer, so that repeating it never lengthens the lease.
 */
export async function markAnswered(database: Queryable, releaseId: string, now: Date): Promise<Date | undefined> {
  const { rows } = await database.query<{ leased_at: Date }>(
    `UPDATE release SET state = 'answered', leased_at = coalesce(leased_at, $2) WHERE release_id = $1 AND state IN ('unwrapping', 'answered') AND sequence = 0 RETURNING leased_at`,
    [releaseId, now],
  );
  return rows[0]?.leased_at;
}

/** Starts the next lease. @returns its sequence */
export async function markRenewed(transaction: Transaction, releaseId: string, now: Date): Promise<number> {
  const { rows } = await transaction.query<{ sequence: number }>(`UPDATE release SET sequence = sequence + 1, leased_at = $2 WHERE release_id = $1 AND state = 'answered' RETURNING sequence`, [releaseId, now]);
  const [row] = rows;
  if (row === undefined) throw new ReleaserError('release-not-active', 'the release has ended');
  return row.sequence;
}

export async function endRelease(database: Queryable, releaseId: string, reason: 'evidence' | 'lapsed' | 'expired', now: Date): Promise<void> {
  await database.query(`UPDATE release SET state = 'ended', ended_at = $2, ended_reason = $3 WHERE release_id = $1 AND state <> 'ended'`, [releaseId, now, reason]);
}
