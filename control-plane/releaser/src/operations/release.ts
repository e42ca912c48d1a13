import type { ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { markAnswered } from '../database/releases.js';
import { requireUnrevoked } from '../database/revocations.js';
import { ReleaserError } from '../errors.js';
import { firstLease } from './leases.js';
import { commitRelease } from './release-commit.js';
import { verifyReleaseRequest } from './release-checks.js';
import { sealShardKeys } from './shard-keys.js';

type Release = ReleaserOperations['release'];

/**
 * Releases shard keys to one attested machine, in this order and no other:
 *
 * 1. every proof is verified from raw material (`verifyReleaseRequest`);
 * 2. one transaction counts the use, debits the budget, uses the nonce up and marks the release `unwrapping` (`commitRelease`).
 *    From here a crash counts as released;
 * 3. only then the key service is asked, and each key sealed to the transport key the evidence binds;
 * 4. the release is marked `answered`, unless it was revoked meanwhile, and the keys leave with the first lease.
 *
 * Asked again with the same release id, transport key, evidence and log entry, it serves again and counts nothing twice.
 * @throws ReleaserError, ContractError: the code of the first check that does not hold; nothing was unwrapped then, unless the code is
 *   `release-wrapped-keys`, `release-revoked` or `releaser-unavailable`, which can also come after the debit.
 */
export async function releaseKeys(context: ReleaserContext, request: Release['request']): Promise<Release['answer']> {
  const checked = await verifyReleaseRequest(context, request);
  context.reach('before-unwrapping');
  const release = await commitRelease(context, checked);
  context.reach('after-unwrapping');
  const keys = await sealShardKeys(context, checked.material, request);
  context.reach('after-unwrap');
  const { statement } = checked.material;
  const leasedAt = await markAnswered(context.database, release.releaseId, context.now());
  if (leasedAt === undefined) {
    await requireUnrevoked(context.database, { request: statement.request_id, release: statement.release_id, node: statement.node, asset: statement.asset });
    throw new ReleaserError('release-not-active', 'the release has ended');
  }
  const lease = firstLease(context, { ...release, leasedAt }, request.lease_nonce);
  context.reach('before-answer');
  return { keys, lease };
}
