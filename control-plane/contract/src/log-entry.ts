import { z } from 'zod';
import { parseCanonicalJson } from '@strongroom/attestation-encoding';
import { MAX_ENTRY_BYTES } from '@strongroom/attestation-tlog';
import { ContractError } from './errors.js';
import { action, akName, bytes, count, digest, factor, instant, slug, text, uuid, version } from './scalars.js';

/**
 * What the log says of consequence, inside an OCSF event under `unmapped.strongroom`. Verifiers read only this and the proof;
 * the rest of the event is for people and SIEMs.
 */
export const logStatementSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('strongroom/log/genesis/v1'), genesis_digest: digest, envelope: z.unknown() }),
  z.strictObject({ type: z.literal('strongroom/log/document/v1'), kind: slug, digest, version, subject: text(200) }),
  z.strictObject({ type: z.literal('strongroom/log/manifest/v1'), tenant: slug, asset: uuid, version, seal_id: bytes(16, 16), manifest_digest: digest }),
  z.strictObject({
    type: z.literal('strongroom/log/release/v1'),
    tenant: slug,
    release_id: uuid,
    request_id: uuid,
    request_digest: digest,
    action,
    asset: uuid,
    manifest_digest: digest,
    policy_digest: digest,
    enclave_digest: digest,
    roster_digest: digest,
    node: uuid,
    ak_name: akName,
    transport_key_digest: digest,
    mtls_key_digest: digest,
    evidence_digest: digest,
    shards: z.array(z.number().int().min(0)).min(1).max(10_000),
    bytes: count,
    approvals: z.array(z.strictObject({ approver: uuid, factor, statement_digest: digest })).min(1).max(64),
    lease: z.strictObject({ seconds: count, renew_seconds: count, not_after: instant }),
    /** The exact input the release policy allowed. */
    input: z.record(z.string(), z.unknown()),
  }),
]);

export { MAX_ENTRY_BYTES };

export type LogStatement = z.infer<typeof logStatementSchema>;
export type ReleaseStatement = Extract<LogStatement, { type: 'strongroom/log/release/v1' }>;

/** The statement inside a log entry. @throws ContractError `log-proof` where there is none of a known type. */
export function logStatementOf(entry: Uint8Array): LogStatement {
  let event: unknown;
  try {
    event = parseCanonicalJson(entry, MAX_ENTRY_BYTES);
  } catch (cause) {
    throw new ContractError('log-proof', 'the log entry is not canonical JSON', { cause });
  }
  const unmapped = (event as { unmapped?: { strongroom?: unknown } } | null)?.unmapped;
  const parsed = logStatementSchema.safeParse(unmapped?.strongroom);
  if (!parsed.success) throw new ContractError('log-proof', 'the log entry carries no statement of a known type', { cause: parsed.error });
  return parsed.data;
}

/** HPKE info for one shard of a release (protocol rule 6). */
export function releaseInfo(statement: ReleaseStatement, shard: number): unknown {
  return {
    type: 'strongroom/release-key/v1',
    tenant: statement.tenant,
    release_id: statement.release_id,
    request_digest: statement.request_digest,
    node: statement.node,
    ak_name: statement.ak_name,
    transport_key_digest: statement.transport_key_digest,
    evidence_digest: statement.evidence_digest,
    manifest_digest: statement.manifest_digest,
    policy_digest: statement.policy_digest,
    shard,
    lease: statement.lease,
  };
}
