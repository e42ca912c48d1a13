import { z } from 'zod';
import type { Anchors } from './anchors.js';
import { ContractError } from './errors.js';
import { akName, bytes, count, digest, factor, instant, slug, text, uuid, version } from './scalars.js';
import { assertCurrent, signerKey, verifyStatement, type Dated, type Signed, type StatementKind } from './statement.js';

const dated = { tenant: slug, version, issued_at: instant, expires_at: instant };

/**
 * In force now, under anchors that are: whoever runs for months loaded them once, and must not go on believing them past their end.
 * @throws ContractError `statement-*`
 */
function assertInForce(statement: Dated, anchors: Anchors, now: Date): void {
  assertCurrent(anchors, anchors.tenant, now);
  assertCurrent(statement, anchors.tenant, now);
}

// ── Roster: which key is which person's, and what that person may fill (rules 4, 9, 10) ─────────────────────────────
const credentialSchema = z.strictObject({
  /** WebAuthn credential id. */
  id: bytes(16, 1023),
  /** COSE_Key. */
  public_key: bytes(32, 1024),
  aaguid: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
});

const personSchema = z.strictObject({
  id: uuid,
  roles: z.array(slug).min(1).max(16),
  factors: z.array(factor).max(3),
  /** Signs in; never approves. */
  sign_in_keys: z.array(signerKey).max(8),
  /** Approves; never signs in. */
  credentials: z.array(credentialSchema).max(8),
});

const rosterSchema = z.strictObject({
  type: z.literal('strongroom/roster/v1'),
  ...dated,
  people: z.array(personSchema).min(1).max(1000),
});

export type Roster = z.infer<typeof rosterSchema>;
export type RosterPerson = z.infer<typeof personSchema>;
export type RosterCredential = z.infer<typeof credentialSchema>;
export const ROSTER: StatementKind<typeof rosterSchema> = { payloadType: 'application/vnd.strongroom.roster.v1+json', schema: rosterSchema, maxBytes: 1 << 20 };

/** @throws ContractError `statement-*`; also where one credential or sign-in key belongs to two people. */
export function verifyRoster(envelope: unknown, anchors: Anchors, now: Date): Signed<Roster> {
  const signed = verifyStatement(ROSTER, envelope, anchors.roots.keys, anchors.roots.threshold);
  assertInForce(signed.value, anchors, now);
  const seen = new Set<string>();
  for (const person of signed.value.people) {
    const names = [`person ${person.id}`, ...person.credentials.map((c) => `credential ${c.id}`), ...person.credentials.map((c) => `public key ${c.public_key}`), ...person.sign_in_keys.map((k) => `key ${k.keyid}`)];
    for (const name of names) {
      if (seen.has(name)) throw new ContractError('statement-malformed', 'the roster names one person, key or credential twice');
      seen.add(name);
    }
  }
  return signed;
}

// ── Policy envelope: which bundle is in force ───────────────────────────────────────────────────────────────────────
const policySchema = z.strictObject({
  type: z.literal('strongroom/policy/v1'),
  ...dated,
  profile: z.enum(['development', 'production']),
  revision: version,
  /** SHA-256 over RFC 8785 `{data_digest, revision, schema_digest, wasm_digest}`. */
  policy_digest: digest,
  wasm_digest: digest,
  data_digest: digest,
  schema_digest: digest,
});

export type PolicyEnvelope = z.infer<typeof policySchema>;
export const POLICY: StatementKind<typeof policySchema> = { payloadType: 'application/vnd.strongroom.policy.v1+json', schema: policySchema, maxBytes: 16 * 1024 };

export function verifyPolicyEnvelope(envelope: unknown, anchors: Anchors, now: Date): Signed<PolicyEnvelope> {
  const signed = verifyStatement(POLICY, envelope, anchors.policy_signers.keys, anchors.policy_signers.threshold);
  assertInForce(signed.value, anchors, now);
  if (signed.value.profile !== anchors.profile) throw new ContractError('release-policy-digest', 'policy of another profile');
  return signed;
}

// ── Enclave: what the release path reads of it; the rest is opaque here (infra/enclave validates it) ────────────────
const environmentSchema = z.strictObject({
  name: slug,
  kind: z.enum(['tpm2', 'software']),
  bank: z.enum(['sha256', 'sha384']),
  pcrs: z.record(z.string().regex(/^([0-9]|1[0-9]|2[0-3])$/), z.string().regex(/^([0-9a-f]{64}|[0-9a-f]{96})$/)).refine((pcrs) => Object.keys(pcrs).length > 0, 'must not be empty'),
  expires_at: instant,
});

const budgetSchema = z.strictObject({
  route: slug,
  window_seconds: z.number().int().min(1).max(31_622_400),
  /** Cap as a multiple of the asset's bytes. */
  relative_cap: z.strictObject({ numerator: count, denominator: z.number().int().min(1).max(1_000_000_000) }),
  absolute_cap_bytes: count,
});

export const enclaveBodySchema = z.looseObject({
  id: slug,
  tenant: slug,
  version,
  profile: z.enum(['development', 'production']),
  environments: z.array(environmentSchema).min(1).max(64),
  evidence: z.strictObject({ kinds: z.array(z.enum(['tpm2', 'software'])).min(1).max(2), require_hardware: z.boolean() }),
  budgets: z.array(budgetSchema).min(1).max(16),
  lease: z.strictObject({ seconds: z.number().int().min(1).max(3600), renew_seconds: z.number().int().min(1).max(3600) }),
});

const enclaveSchema = z.strictObject({
  type: z.literal('strongroom/enclave/v1'),
  ...dated,
  enclave: enclaveBodySchema,
});

export type EnclaveDocument = z.infer<typeof enclaveSchema>;
export const ENCLAVE: StatementKind<typeof enclaveSchema> = { payloadType: 'application/vnd.strongroom.enclave.v1+json', schema: enclaveSchema, maxBytes: 1 << 20 };

export function verifyEnclaveDocument(envelope: unknown, anchors: Anchors, now: Date): Signed<EnclaveDocument> {
  const signed = verifyStatement(ENCLAVE, envelope, anchors.policy_signers.keys, anchors.policy_signers.threshold);
  assertInForce(signed.value, anchors, now);
  const { enclave, version: documentVersion, tenant } = signed.value;
  if (enclave.tenant !== tenant || enclave.version !== documentVersion || enclave.profile !== anchors.profile) {
    throw new ContractError('statement-malformed', 'the enclave names another tenant, version or profile than its envelope');
  }
  const names = new Set(enclave.environments.map((environment) => environment.name));
  if (names.size !== enclave.environments.length) throw new ContractError('statement-malformed', 'two environments share a name');
  return signed;
}

// ── Node registration: two people name the machine before it can enrol (rule 7) ─────────────────────────────────────
const registrationSchema = z.strictObject({
  type: z.literal('strongroom/node-registration/v1'),
  ...dated,
  node: uuid,
  enclave: slug,
  kind: z.enum(['tpm2', 'software']),
  /** Digest of the endorsement key's (or software key's) SubjectPublicKeyInfo. */
  hardware_id: digest,
  /** Roots accepted for this node's endorsement certificate besides the shipped vendor roots; such a node never counts as hardware. */
  endorsement_roots: z.array(digest).max(4),
});

export type NodeRegistration = z.infer<typeof registrationSchema>;
export const NODE_REGISTRATION: StatementKind<typeof registrationSchema> = { payloadType: 'application/vnd.strongroom.node-registration.v1+json', schema: registrationSchema, maxBytes: 16 * 1024 };

export function verifyNodeRegistration(envelope: unknown, anchors: Anchors, now: Date): Signed<NodeRegistration> {
  const signed = verifyStatement(NODE_REGISTRATION, envelope, anchors.registrars.keys, anchors.registrars.threshold);
  assertInForce(signed.value, anchors, now);
  return signed;
}

// ── Node binding: the releaser's word that this AK lives in the registered machine ──────────────────────────────────
const bindingSchema = z.strictObject({
  type: z.literal('strongroom/node-binding/v1'),
  ...dated,
  node: uuid,
  enclave: slug,
  kind: z.enum(['tpm2', 'software']),
  hardware: z.boolean(),
  hardware_id: digest,
  ak_name: akName,
  mtls_key_digest: digest,
  csr_digest: digest,
  registration_digest: digest,
});

export type NodeBinding = z.infer<typeof bindingSchema>;
export const NODE_BINDING: StatementKind<typeof bindingSchema> = { payloadType: 'application/vnd.strongroom.node-binding.v1+json', schema: bindingSchema, maxBytes: 16 * 1024 };

export function verifyNodeBinding(envelope: unknown, anchors: Anchors, now: Date): Signed<NodeBinding> {
  const signed = verifyStatement(NODE_BINDING, envelope, [anchors.releaser], 1);
  assertInForce(signed.value, anchors, now);
  return signed;
}

// ── Manifest: what the weights are, and what their release needs at least (rules 2, 9) ──────────────────────────────
const shardSchema = z.strictObject({
  index: z.number().int().min(0).max(99_999),
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/),
  plaintext_bytes: count,
  plaintext_digest: digest,
  ciphertext_bytes: count,
  ciphertext_digest: digest,
  key_commitment: digest,
});

const manifestSchema = z.strictObject({
  type: z.literal('strongroom/manifest/v1'),
  ...dated,
  asset: z.strictObject({ id: uuid, name: text(200), class: slug, owner: slug }),
  /** Random and immutable: what associated data and encryption context name. */
  seal_id: bytes(16, 16),
  key_epoch: version,
  container: z.literal('AES256-GCM-HKDF-1MB'),
  key_service: z.strictObject({ enclave: slug, kek: slug }),
  shards: z.array(shardSchema).min(1).max(10_000),
  /** The tensor map (tensor → shard and byte range), kept beside the manifest. */
  tensors: z.strictObject({ digest, count }),
  lineage: z.array(digest).max(16),
  enclaves: z.array(slug).min(1).max(16),
  environments: z.array(slug).min(1).max(64),
  /** Minimum factors and counts for each action; policy may ask for more, never for less. */
  quorum: z.strictObject({ read_shard: z.partialRecord(factor, z.number().int().min(1).max(16)) }),
  lease: z.strictObject({ max_seconds: z.number().int().min(1).max(3600) }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestShard = z.infer<typeof shardSchema>;
export const MANIFEST: StatementKind<typeof manifestSchema> = { payloadType: 'application/vnd.strongroom.manifest.v1+json', schema: manifestSchema, maxBytes: 4 << 20 };

export type ManifestRole = 'owner' | 'security';

/**
 * Verifies a custody manifest: a signature of each role, by two different keys. Inclusion in the log is a separate proof.
 * @throws ContractError `manifest-roles` | `manifest-mismatch` | `statement-*`
 */
export function verifyManifest(envelope: unknown, anchors: Anchors, now: Date): Signed<Manifest> & { readonly roles: readonly ManifestRole[] } {
  const { owner, security } = anchors.manifest_signers;
  const signed = verifyStatement(MANIFEST, envelope, [...owner, ...security], 1);
  const has = (keys: readonly { keyid: string }[]) => keys.some((key) => signed.keyIds.includes(key.keyid));
  if (!has(owner) || !has(security)) throw new ContractError('manifest-roles', 'the manifest needs a signature of the owner and of security');
  assertInForce(signed.value, anchors, now);
  const { shards, quorum } = signed.value;
  const ordered = shards.every((shard, position) => shard.index === position);
  if (!ordered || new Set(shards.map((shard) => shard.path)).size !== shards.length) {
    throw new ContractError('manifest-mismatch', 'shards must be numbered from 0 in order, each with its own path');
  }
  const people = Object.values(quorum.read_shard).reduce((sum, n) => sum + n, 0);
  if (people < 2) throw new ContractError('manifest-mismatch', 'a manifest must ask for at least two people');
  return { ...signed, roles: ['owner', 'security'] };
}

/** Plaintext digests sorted by path: what approvals name as `weights_digest`. */
export function weightsDigests(manifest: Manifest, shards: readonly number[]): string[] {
  return shards
    .map((index) => manifest.shards[index])
    .filter((shard) => shard !== undefined)
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map((shard) => shard.plaintext_digest);
}
