import { LEASE, signStatement, toInstant, type Lease, type ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { firstLeaseSecondsLeft, type StoredRelease } from '../database/releases.js';
import { ReleaserError } from '../errors.js';

type SignedLease = ReleaserOperations['renew']['answer']['lease'];

/**
 * The lease that comes with the keys. For a retry it gives only what is left of the first answer's: repeating is no renewal.
 * @throws ReleaserError `release-not-active` where nothing is left
 */
export function firstLease(context: ReleaserContext, release: StoredRelease, nonce: string): SignedLease {
  return signLease(context, release, { nonce, sequence: 0, seconds: firstLeaseSecondsLeft(release, context.now()), evidenceDigest: release.evidenceDigest });
}

/** @throws ReleaserError `release-not-active` */
export function renewedLease(context: ReleaserContext, release: StoredRelease, renewal: { readonly nonce: string; readonly sequence: number; readonly evidenceDigest: string }): SignedLease {
  return signLease(context, release, { ...renewal, seconds: release.leaseSeconds });
}

function signLease(context: ReleaserContext, release: StoredRelease, { nonce, sequence, seconds, evidenceDigest }: { readonly nonce: string; readonly sequence: number; readonly seconds: number; readonly evidenceDigest: string }): SignedLease {
  if (seconds < 1 || !(context.now() < release.notAfter)) throw new ReleaserError('release-not-active', 'the release may no longer be used');
  const { value: anchors } = context.anchors;
  const lease: Lease = {
    type: 'strongroom/lease/v1',
    tenant: anchors.tenant,
    release_id: release.releaseId,
    request_digest: release.requestDigest,
    node: release.node,
    ak_name: release.akName,
    nonce,
    sequence,
    seconds,
    renew_seconds: Math.min(release.renewSeconds, seconds),
    not_after: toInstant(release.notAfter),
    evidence_digest: evidenceDigest,
    anchors_version: anchors.version,
  };
  const envelope = signStatement(LEASE, lease, [context.signingKey]);
  return { ...envelope, signatures: [...envelope.signatures] };
}
