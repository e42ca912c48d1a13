import { z } from 'zod';
import type { Anchors } from './anchors.js';
import { ContractError } from './errors.js';
import { akName, bytes, digest, instant, slug, uuid, version } from './scalars.js';
import { verifyStatement, type Signed, type StatementKind } from './statement.js';

/**
 * The releaser's word that a node may keep what it was given for `seconds` more. It answers a nonce the agent chose and never
 * passes `not_after`; the agent counts from the moment it *sent* the nonce, on boot-time (protocol rule 13).
 */
const leaseSchema = z.strictObject({
  type: z.literal('strongroom/lease/v1'),
  tenant: slug,
  release_id: uuid,
  request_digest: digest,
  node: uuid,
  ak_name: akName,
  /** The agent's nonce. */
  nonce: bytes(32, 32),
  /** 0 for the lease that comes with the keys, one more at each renewal. */
  sequence: z.number().int().min(0).max(2_147_483_647),
  seconds: z.number().int().min(1).max(3600),
  renew_seconds: z.number().int().min(1).max(3600),
  not_after: instant,
  evidence_digest: digest,
  anchors_version: version,
});

export type Lease = z.infer<typeof leaseSchema>;
export const LEASE: StatementKind<typeof leaseSchema> = { payloadType: 'application/vnd.strongroom.lease.v1+json', schema: leaseSchema, maxBytes: 8 * 1024 };

export interface LeaseExpectations {
  readonly releaseId: string;
  readonly requestDigest: string;
  readonly node: string;
  readonly akName: string;
  readonly nonce: string;
  readonly minimumSequence: number;
  readonly now: Date;
}

/** @throws ContractError `lease-mismatch` | `statement-*` */
export function verifyLease(envelope: unknown, anchors: Anchors, expected: LeaseExpectations): Signed<Lease> {
  const lease = verifyStatement(LEASE, envelope, [anchors.releaser], 1);
  const { value } = lease;
  const fits =
    value.tenant === anchors.tenant &&
    value.release_id === expected.releaseId &&
    value.request_digest === expected.requestDigest &&
    value.node === expected.node &&
    value.ak_name === expected.akName &&
    value.nonce === expected.nonce &&
    value.sequence >= expected.minimumSequence &&
    value.renew_seconds <= value.seconds;
  if (!fits) throw new ContractError('lease-mismatch', 'the lease answers another nonce, release or node');
  if (Date.parse(value.not_after) <= expected.now.getTime()) throw new ContractError('lease-mismatch', 'the release may no longer be used');
  return lease;
}

/** Seconds the lease still gives, counted from `sentAt`: never beyond `not_after`. */
export function leaseSecondsLeft(lease: Lease, sentAt: Date): number {
  return Math.max(0, Math.min(lease.seconds, (Date.parse(lease.not_after) - sentAt.getTime()) / 1000));
}
