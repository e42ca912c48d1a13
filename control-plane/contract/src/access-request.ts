import { canonicalDigest, type Digest } from '@strongroom/attestation-encoding';
import { z } from 'zod';
import { action, digest, instant, purpose, slug, text, uuid } from './scalars.js';

/**
 * A request as it is digested: everything an approver agrees to. Changing any member gives another digest, which voids approvals
 * (protocol rule 4).
 */
export const accessRequestSchema = z.strictObject({
  type: z.literal('strongroom/request/v1'),
  id: uuid,
  tenant: slug,
  asset: uuid,
  action,
  /** Ascending, each once. */
  shards: z
    .array(z.number().int().min(0).max(99_999))
    .min(1)
    .max(10_000)
    .refine((shards) => shards.every((shard, i) => i === 0 || shard > (shards[i - 1] ?? Infinity)), 'must be ascending, each once'),
  node: uuid,
  enclave: slug,
  manifest_digest: digest,
  purpose,
  ticket: text(100),
  not_before: instant,
  not_after: instant,
  /** Approvals must be complete by then; the other clock of the two. */
  approve_by: instant,
  max_uses: z.number().int().min(1).max(1000),
  requested_by: uuid,
  created_at: instant,
});

export type AccessRequest = z.infer<typeof accessRequestSchema>;

export function requestDigest(request: AccessRequest): Digest {
  return canonicalDigest(accessRequestSchema.parse(request));
}

/**
 * What people compare between two screens: the first 80 bits of a digest in five groups of four hex digits.
 * Eighty bits keep a second request with the same short form out of reach.
 */
export function shortDigest(value: string): string {
  const hex = value.replace(/^sha256:/, '').slice(0, 20);
  return (hex.match(/.{4}/g) ?? []).join(' ');
}
