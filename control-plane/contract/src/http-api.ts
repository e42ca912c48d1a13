import { z } from 'zod';
import { accessRequestSchema } from './access-request.js';
import { approvalSchema } from './approval.js';
import { endorsementSchema, evidenceSchema } from './evidence-shape.js';
import { sealedMessageSchema } from './hpke.js';
import { provenEntrySchema } from './release-material.js';
import { credentialChallenge } from './releaser-api.js';
import { action, akName, bytes, count, digest, dsse, factor, instant, purpose, slug, text, uuid } from './scalars.js';

/** HTTP shapes, in the order a person meets them. Requests are strict: an unknown member is an error. */

// ── Sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** A JWT signed (EdDSA) by one of the person's sign-in keys: iss = sub = person, aud = the API's origin, jti, iat, exp ≤ 60 s. */
export const createSession = z.strictObject({ assertion: z.string().min(20).max(4096) });
export const session = z.strictObject({ person: uuid, roles: z.array(slug), expires_at: instant, token: text(200).optional() });

// ── Documents: roster, policy, enclaves, registrations ──────────────────────────────────────────────────────────────
export const registerDocument = z.strictObject({ envelope: dsse });
export const registeredDocument = z.strictObject({ kind: slug, subject: text(200), version: count, digest, log_index: text(20) });
export const documentBundle = z.strictObject({ anchors: dsse, genesis: dsse, roster: dsse.nullable(), policy: dsse.nullable(), enclaves: z.array(dsse) });

/** One X.509 certificate as PEM (RFC 7468): lines of base64, the last with or without its newline. */
const pemCertificate = z.string().max(8192).regex(/^-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----\r?\n?$/, 'must be one certificate as PEM');

// ── Nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────────
export const nodeState = z.enum(['registered', 'enrolled', 'suspended', 'retired']);
export const nodeView = z.strictObject({
  id: uuid,
  enclave: slug,
  kind: z.enum(['tpm2', 'software']),
  state: nodeState,
  hardware_id: digest,
  ak_name: akName.nullable(),
  certificate_expires_at: instant.nullable(),
});
export const beginEnrolment = z.strictObject({ node: uuid, endorsement: endorsementSchema, csr: bytes(64, 4096) });
export const enrolmentChallenge = z.strictObject({ enrolment: uuid, challenge: credentialChallenge, expires_at: instant });
export const completeEnrolment = z.strictObject({ response: bytes(32, 32) });
export const enrolled = z.strictObject({ node: uuid, spiffe_id: text(300), certificate: pemCertificate, authority: pemCertificate, binding: dsse });
export const nodeChallenge = z.strictObject({ purpose: z.enum(['enrol', 'release', 'renew']) });
export const nonceAnswer = z.strictObject({ nonce: bytes(32, 32), expires_at: instant });
export const attest = z.strictObject({ nonce: bytes(32, 32), transport_key: bytes(32, 32), evidence: evidenceSchema });
export const attestationAnswer = z.strictObject({ status: text(20), ear: z.string().max(16_384), environment: text(63).nullable(), reasons: z.array(text(100)) });

// ── Assets ──────────────────────────────────────────────────────────────────────────────────────────────────────────
export const wrappedKey = z.strictObject({ shard: z.number().int().min(0).max(99_999), wrapped: sealedMessageSchema });
export const registerAsset = z.strictObject({ manifest: dsse, wrapped_keys: z.array(wrappedKey).min(1).max(10_000) });
export const assetView = z.strictObject({
  id: uuid,
  name: text(200),
  class: slug,
  owner: slug,
  state: z.enum(['registered', 'revoked']),
  version: count,
  manifest_digest: digest,
  bytes: count,
  shards: z.array(z.strictObject({ index: count, path: text(200), bytes: count })),
  log_index: text(20),
});
export const assetDetail = assetView.extend({ manifest: dsse, manifest_entry: provenEntrySchema });

// ── Requests and approvals ──────────────────────────────────────────────────────────────────────────────────────────
export const requestState = z.enum(['awaiting_approvals', 'approved', 'active', 'used', 'expired', 'revoked', 'denied', 'withdrawn']);
export const createRequest = z.strictObject({
  asset: uuid,
  action,
  shards: z.array(z.number().int().min(0).max(99_999)).min(1).max(10_000),
  node: uuid,
  purpose,
  ticket: text(100),
  not_before: instant,
  not_after: instant,
  approve_by: instant,
  max_uses: z.number().int().min(1).max(1000),
});
export const requestView = z.strictObject({
  request: accessRequestSchema,
  digest,
  short_digest: text(40),
  state: requestState,
  uses: count,
  policy_digest: digest,
  weights_digest: z.array(digest),
  missing: z.array(z.strictObject({ factor, count })),
  approvals: z.array(approvalSchema),
});
/** A request as the node sees it that may open it. */
export const nodeRequestView = requestView.extend({ manifest: dsse });
export const submitApproval = approvalSchema;
export const revoke = z.strictObject({ reason: text(500) });
export const revocation = z.strictObject({ id: uuid, state: text(30), log_index: text(20) });

// ── Releases (nodes) ────────────────────────────────────────────────────────────────────────────────────────────────
export const createRelease = z.strictObject({
  release_id: uuid,
  request_id: uuid,
  nonce: bytes(32, 32),
  transport_key: bytes(32, 32),
  evidence: evidenceSchema,
  lease_nonce: bytes(32, 32),
});
export const renewLease = z.strictObject({ nonce: bytes(32, 32), evidence: evidenceSchema, lease_nonce: bytes(32, 32) });
export const leaseAnswer = z.strictObject({ lease: dsse });
export const acknowledgeWipe = z.strictObject({ reason: z.enum(['lapsed', 'revoked', 'finished', 'contact-lost', 'evidence-refused']), wiped_at: instant });
export const releaseView = z.strictObject({
  id: uuid,
  request: uuid,
  node: uuid,
  asset: uuid,
  state: z.enum(['reserved', 'logged', 'unwrapping', 'released', 'ended', 'refused']),
  bytes: count,
  lease_until: instant.nullable(),
  ended: z.strictObject({ at: instant, reason: text(40) }).nullable(),
});

// ── Budgets, audit ──────────────────────────────────────────────────────────────────────────────────────────────────
export const budgetView = z.strictObject({
  asset: uuid,
  route: slug,
  window_seconds: count,
  used_bytes: count,
  cap_bytes: count,
});
export const auditEntryView = z.strictObject({ index: text(20), leaf_hash: digest, event: z.record(z.string(), z.unknown()) });

export const page = z.strictObject({ after: text(100).optional(), limit: z.coerce.number().int().min(1).max(500).optional() });
