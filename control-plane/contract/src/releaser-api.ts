import { z } from 'zod';
import { endorsementSchema, evidenceSchema } from './evidence-shape.js';
import { sealedMessageSchema } from './hpke.js';
import { releasedKeySchema, releaseMaterialSchema } from './release-material.js';
import { bytes, digest, dsse, instant, text, uuid } from './scalars.js';

/**
 * The releaser's protocol: JSON over HTTP on a Unix socket, one POST an operation (`/v1/<operation>`). The server relays; the
 * releaser believes nothing but signatures, its own tables and its own challenges (protocol rule 1).
 */

/** A nonce serves once, for one purpose, for one node. */
export const challengeRequest = z.strictObject({ node: uuid, purpose: z.enum(['enrol', 'release', 'renew']) });
export const challengeAnswer = z.strictObject({ nonce: bytes(32, 32), expires_at: instant });

export const enrolBeginRequest = z.strictObject({
  registration: dsse,
  endorsement: endorsementSchema,
  mtls_key_digest: digest,
  csr_digest: digest,
});
export const credentialChallenge = z.strictObject({ credential_blob: bytes(16, 1024), encrypted_secret: bytes(16, 1024) });
export const enrolBeginAnswer = z.strictObject({ enrolment: uuid, challenge: credentialChallenge, expires_at: instant });
export const enrolCompleteRequest = z.strictObject({ enrolment: uuid, response: bytes(32, 32) });
export const enrolCompleteAnswer = z.strictObject({ binding: dsse });

export const releaseRequest = z.strictObject({
  release_id: uuid,
  material: releaseMaterialSchema,
  evidence: evidenceSchema,
  nonce: bytes(32, 32),
  /** Raw X25519 public key the evidence binds. */
  transport_key: bytes(32, 32),
  /** The agent's nonce, answered by the lease. */
  lease_nonce: bytes(32, 32),
  wrapped_keys: z.array(z.strictObject({ shard: z.number().int().min(0).max(99_999), wrapped: sealedMessageSchema })).min(1).max(10_000),
});
export const releaseResponse = z.strictObject({ keys: z.array(releasedKeySchema).min(1).max(10_000), lease: dsse });

export const renewRequest = z.strictObject({
  release_id: uuid,
  evidence: evidenceSchema,
  nonce: bytes(32, 32),
  lease_nonce: bytes(32, 32),
  /** The enclave document in force, for its reference values. */
  enclave: dsse,
});
export const renewAnswer = z.strictObject({ lease: dsse });

/** Tightening: takes one caller, is durable before it is answered, and is never undone. */
export const revokeRequest = z.strictObject({
  kind: z.enum(['request', 'release', 'node', 'asset']),
  id: uuid,
  reason: text(500),
});
export const revokeAnswer = z.strictObject({ revoked: z.literal(true) });

export const statusAnswer = z.strictObject({
  tenant: text(63),
  profile: z.enum(['development', 'production']),
  policy_digest: digest,
  anchors_digest: digest,
});

export type ReleaserOperations = {
  challenge: { request: z.infer<typeof challengeRequest>; answer: z.infer<typeof challengeAnswer> };
  'enrol-begin': { request: z.infer<typeof enrolBeginRequest>; answer: z.infer<typeof enrolBeginAnswer> };
  'enrol-complete': { request: z.infer<typeof enrolCompleteRequest>; answer: z.infer<typeof enrolCompleteAnswer> };
  release: { request: z.infer<typeof releaseRequest>; answer: z.infer<typeof releaseResponse> };
  renew: { request: z.infer<typeof renewRequest>; answer: z.infer<typeof renewAnswer> };
  revoke: { request: z.infer<typeof revokeRequest>; answer: z.infer<typeof revokeAnswer> };
  status: { request: Record<string, never>; answer: z.infer<typeof statusAnswer> };
};

/** What activation signs with the recovered secret, so that it covers the CSR (protocol rule 7). */
export function activationMessage(value: { tenant: string; node: string; ak_name: string; csr_digest: string; mtls_key_digest: string }): Record<string, string> {
  return { type: 'strongroom/activation/v1', ...value };
}

/** Refusals of the releaser; each is stable and public. */
export const RELEASER_REFUSALS = [
  'releaser-malformed',
  'releaser-unknown-operation',
  'nonce-unknown',
  'nonce-used',
  'nonce-expired',
  'nonce-purpose',
  'nonce-limit',
  'node-not-bound',
  'node-registration',
  'node-endorsement',
  'activation-mismatch',
  'activation-expired',
  'evidence-rejected',
  'evidence-not-affirming',
  'evidence-transport-key',
  'release-revoked',
  'release-uses-exhausted',
  'release-budget',
  'release-conflict',
  'release-unknown',
  'release-wrapped-keys',
  'release-not-active',
  'releaser-unavailable',
] as const;
export type ReleaserRefusal = (typeof RELEASER_REFUSALS)[number];
