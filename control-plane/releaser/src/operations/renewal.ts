import { canonicalDigest, fromBase64url } from '@strongroom/attestation-encoding';
import { verifyEnclaveDocument, type ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { currentBinding, raiseResetCount, type CurrentBinding } from '../database/bindings.js';
import { lock, LOCK } from '../database/database.js';
import { raiseMarks } from '../database/high-water.js';
import { consumeNonce, requireNonce } from '../database/nonces.js';
import { endRelease, findRelease, markRenewed, type StoredRelease } from '../database/releases.js';
import { requireUnrevoked, type Revocable } from '../database/revocations.js';
import { ReleaserError } from '../errors.js';
import { affirmEvidence, type AffirmedEvidence } from './evidence.js';
import { renewedLease } from './leases.js';

type Renew = ReleaserOperations['renew'];

/**
 * Lets a node keep what it has for one lease more: on fresh evidence of the same boot, key and machine, while nothing was revoked,
 * the last lease still runs, and the request's window is open. Evidence that fails ends the release for good.
 * @throws ReleaserError, ContractError
 */
export async function renewLease(context: ReleaserContext, request: Renew['request']): Promise<Renew['answer']> {
  const { anchors, database } = context;
  const now = context.now();
  const release = await activeRelease(context, request.release_id, now);
  const nonce = { nonce: fromBase64url(request.nonce, 32), node: release.node, purpose: 'renew' as const, usedFor: context.newId() };
  await requireNonce(database, { ...nonce, now });
  const binding = await currentBinding(database, release.node, now);
  requireSameMachine(release, binding);
  const enclave = verifyEnclaveDocument(request.enclave, anchors.value, now);
  if (enclave.value.enclave.id !== release.enclave) throw new ReleaserError('release-conflict', 'the enclave document is of another enclave');
  await raiseMarks(database, [{ kind: 'enclave', subject: release.enclave, version: enclave.value.version, digest: enclave.digest }]);
  const evidence = await affirmOrEnd(context, release, now, () =>
    affirmEvidence(request.evidence, {
      anchors: anchors.value,
      engine: context.engine,
      enclave: enclave.value,
      environments: release.environments,
      hardware: binding.hardware,
      binding: {
        tenant: anchors.value.tenant,
        node: release.node,
        akName: release.akName,
        purpose: 'renew',
        nonce: nonce.nonce,
        transportKeyDigest: release.transportKeyDigest,
        mtlsKeyDigest: release.mtlsKeyDigest,
      },
      expectedResetCount: release.resetCount,
      now,
    }),
  );
  const sequence = await database.transaction(async (transaction) => {
    await lock(transaction, LOCK.node, release.node);
    await lock(transaction, LOCK.release, release.releaseId);
    await requireUnrevoked(transaction, revocable(release));
    requireSameMachine(release, await currentBinding(transaction, release.node, now));
    await consumeNonce(transaction, { ...nonce, now: context.now() });
    await raiseResetCount(transaction, release.node, evidence.resetCount);
    return markRenewed(transaction, release.releaseId, context.now());
  });
  return { lease: renewedLease(context, release, { nonce: request.lease_nonce, sequence, evidenceDigest: canonicalDigest(request.evidence) }) };
}

/** @throws ReleaserError `release-unknown` | `release-revoked` | `release-not-active` */
async function activeRelease({ database }: ReleaserContext, releaseId: string, now: Date): Promise<StoredRelease> {
  const release = await findRelease(database, releaseId);
  if (release === undefined) throw new ReleaserError('release-unknown', 'no such release');
  await requireUnrevoked(database, revocable(release));
  if (release.state !== 'answered' || release.leasedAt === null) throw new ReleaserError('release-not-active', 'the release has ended, or was never answered');
  if (!(now < release.notAfter)) {
    await endRelease(database, releaseId, 'expired', now);
    throw new ReleaserError('release-not-active', 'the release may no longer be used');
  }
  // The node counted from before it asked, so its own lease ended earlier still: it must have wiped.
  if (!(now.getTime() < release.leasedAt.getTime() + release.leaseSeconds * 1000)) {
    await endRelease(database, releaseId, 'lapsed', now);
    throw new ReleaserError('release-not-active', 'the lease has lapsed');
  }
  return release;
}

function revocable(release: StoredRelease): Revocable {
  return { request: release.requestId, release: release.releaseId, node: release.node, asset: release.asset };
}

/** A node enrolled anew is another machine to us, even where it is the same. @throws ReleaserError `node-not-bound` */
function requireSameMachine(release: StoredRelease, binding: CurrentBinding): void {
  if (binding.akName !== release.akName || binding.mtlsKeyDigest !== release.mtlsKeyDigest || binding.enclave !== release.enclave) {
    throw new ReleaserError('node-not-bound', 'the node was enrolled anew since the release');
  }
}

/** Evidence that shows something else than it should ends the release: silence would leave the last lease its second chance. */
async function affirmOrEnd({ database }: ReleaserContext, release: StoredRelease, now: Date, affirm: () => AffirmedEvidence): Promise<AffirmedEvidence> {
  try {
    return affirm();
  } catch (cause) {
    if (!(cause instanceof ReleaserError) || (cause.code !== 'evidence-not-affirming' && cause.code !== 'evidence-rejected')) throw cause;
    await endRelease(database, release.releaseId, 'evidence', now);
    throw new ReleaserError('evidence-not-affirming', `the release has ended: ${cause.message}`, { cause });
  }
}
