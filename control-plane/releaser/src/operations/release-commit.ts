import { ContractError, manifestBytes, releaseCaps, releasePolicyInput, type VerifiedRelease } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { currentBinding, raiseResetCount } from '../database/bindings.js';
import { lock, LOCK, type Transaction } from '../database/database.js';
import { documentMarks, requireMarks } from '../database/high-water.js';
import { debit, usedBytes } from '../database/ledger.js';
import { consumeNonce } from '../database/nonces.js';
import { countUses, findRelease, identityOf, insertRelease, requireSameRelease, type StoredRelease } from '../database/releases.js';
import { requireUnrevoked } from '../database/revocations.js';
import { ReleaserError } from '../errors.js';
import type { CheckedRelease } from './release-checks.js';

/**
 * Transaction B of the protocol (rule 5): under the locks of asset, node, request and release, checks again what may have changed,
 * settles uses and budget from our own rows, asks the release policy with our own facts, and marks the release `unwrapping`.
 * For a release that is marked already nothing is counted again.
 * @throws ReleaserError, ContractError
 */
export async function commitRelease(context: ReleaserContext, checked: CheckedRelease): Promise<StoredRelease> {
  const { material } = checked;
  const { statement } = material;
  return context.database.transaction(async (transaction) => {
    await lock(transaction, LOCK.asset, statement.asset);
    await lock(transaction, LOCK.node, statement.node);
    await lock(transaction, LOCK.request, statement.request_id);
    await lock(transaction, LOCK.release, statement.release_id);
    // Read after the locks: waiting for them takes time, and the window may have closed.
    const now = context.now();
    await requireStillTrue(transaction, checked, now);
    const known = await findRelease(transaction, statement.release_id);
    if (known !== undefined) requireSameRelease(known, identityOf(material), now);
    // For a retry it was used up by this very release, which is as it should be.
    else await consumeNonce(transaction, { ...checked.nonce, now });
    await requireRoom(context, transaction, checked, now);
    if (known === undefined) await record(transaction, checked, now);
    const release = known ?? (await findRelease(transaction, statement.release_id));
    if (release === undefined) throw new ReleaserError('releaser-unavailable', 'the release was not recorded');
    return release;
  });
}

async function requireStillTrue(transaction: Transaction, { material, binding, revocable }: CheckedRelease, now: Date): Promise<void> {
  await requireUnrevoked(transaction, revocable);
  const current = await currentBinding(transaction, binding.node, now);
  if (current.digest !== binding.digest) throw new ReleaserError('node-not-bound', 'the node was enrolled anew');
  await requireMarks(transaction, documentMarks(material));
}

/** Uses, bytes and policy, each from our own records; this release itself, when it is known already, not counted against itself. */
async function requireRoom(context: ReleaserContext, transaction: Transaction, checked: CheckedRelease, now: Date): Promise<void> {
  const { material } = checked;
  const { statement, request } = material;
  const uses = await countUses(transaction, request.id, statement.release_id);
  if (uses >= request.max_uses) throw new ReleaserError('release-uses-exhausted', 'the request was used as often as was approved');
  const caps = releaseCaps(material.enclave.value, manifestBytes(material.manifest.value));
  const used = await usedBytes(transaction, statement.asset, { windowSeconds: caps.windowSeconds, now, except: statement.release_id });
  // Not `>`: a count that is no number must not pass for room.
  if (!(used + statement.bytes <= Math.min(caps.relativeCapBytes, caps.absoluteCapBytes))) throw new ReleaserError('release-budget', 'the budget of this asset has no room for these shards');
  requireAllowed(context, checked, { uses, usedBytes: used, now });
}

function requireAllowed({ engine }: ReleaserContext, { material, evidence }: CheckedRelease, facts: { readonly uses: number; readonly usedBytes: number; readonly now: Date }): void {
  const { statement, manifestEntry } = material;
  const { result, hardware } = evidence;
  const input = releasePolicyInput(material, {
    now: Math.floor(facts.now.getTime() / 1000),
    requestState: facts.uses === 0 ? 'approved' : 'active',
    uses: facts.uses,
    nodeState: 'enrolled',
    attestation: {
      status: result.status,
      kind: result.kind,
      hardware,
      environment: result.environment,
      evidence_digest: result.evidenceDigest,
      transport_key_digest: statement.transport_key_digest,
      ak_name: result.akName,
      purpose: 'release',
      appraised_at: result.appraisedAt,
      policy_digest: result.policyDigest,
    },
    manifestLogIndex: Number(manifestEntry.index),
    usedBytes: facts.usedBytes,
    reservedBytes: 0,
  });
  const decision = engine.decideRelease(input);
  if (decision.decision !== true) {
    throw new ContractError('release-policy-denied', `the release policy refuses: ${decision.reasons.map(({ code }) => code).join(', ')}`);
  }
}

async function record(transaction: Transaction, { material, evidence }: { readonly material: VerifiedRelease; readonly evidence: CheckedRelease['evidence'] }, now: Date): Promise<void> {
  const { statement } = material;
  await insertRelease(transaction, material, { resetCount: evidence.resetCount, now });
  await debit(transaction, { releaseId: statement.release_id, asset: statement.asset, bytes: statement.bytes, now });
  await raiseResetCount(transaction, statement.node, evidence.resetCount);
}
