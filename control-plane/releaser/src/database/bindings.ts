import type { DsseEnvelope } from '@strongroom/attestation-encoding';
import type { NodeBinding } from '@strongroom/control-plane-contract';
import { ReleaserError } from '../errors.js';
import { fitsNumber } from './integers.js';
import type { Queryable, Transaction } from './database.js';

/** What is in force for a node: one AK, one mTLS key, one machine. */
export interface CurrentBinding {
  readonly node: string;
  readonly version: number;
  readonly digest: string;
  readonly enclave: string;
  readonly kind: 'tpm2' | 'software';
  readonly hardware: boolean;
  readonly akName: string;
  readonly mtlsKeyDigest: string;
  readonly registrationDigest: string;
  readonly resetCount: number;
  readonly expiresAt: Date;
}

interface Row {
  node: string;
  version: number;
  digest: string;
  enclave: string;
  kind: 'tpm2' | 'software';
  hardware: boolean;
  ak_name: string;
  mtls_key_digest: string;
  registration_digest: string;
  reset_count: string;
  expires_at: Date;
}

/** @throws ReleaserError `node-not-bound` where the node has none, or an expired one */
export async function currentBinding(database: Queryable, node: string, now: Date): Promise<CurrentBinding> {
  const { rows } = await database.query<Row>('SELECT node, version, digest, enclave, kind, hardware, ak_name, mtls_key_digest, registration_digest, reset_count, expires_at FROM binding WHERE node = $1', [node]);
  const [row] = rows;
  if (row === undefined || !(now < row.expires_at)) throw new ReleaserError('node-not-bound', 'the node has no binding in force; enrol it');
  return {
    node: row.node,
    version: row.version,
    digest: row.digest,
    enclave: row.enclave,
    kind: row.kind,
    hardware: row.hardware,
    akName: row.ak_name,
    mtlsKeyDigest: row.mtls_key_digest,
    registrationDigest: row.registration_digest,
    resetCount: fitsNumber(row.reset_count),
    expiresAt: row.expires_at,
  };
}

/** The version the node's next binding will have; the caller holds the node's lock. */
export async function nextBindingVersion(transaction: Transaction, node: string): Promise<number> {
  const { rows } = await transaction.query<{ version: number }>('SELECT version FROM binding WHERE node = $1', [node]);
  return (rows[0]?.version ?? 0) + 1;
}

/** Puts a binding in force; the one before stops working. */
export async function storeBinding(transaction: Transaction, binding: NodeBinding, digest: string, envelope: DsseEnvelope): Promise<void> {
  await transaction.query(
    `INSERT INTO binding (node, version, digest, envelope, enclave, kind, hardware, hardware_id, ak_name, mtls_key_digest, registration_digest, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (node) DO UPDATE SET version = excluded.version, digest = excluded.digest, envelope = excluded.envelope, enclave = excluded.enclave, kind = excluded.kind,
       hardware = excluded.hardware, hardware_id = excluded.hardware_id, ak_name = excluded.ak_name, mtls_key_digest = excluded.mtls_key_digest,
       registration_digest = excluded.registration_digest, expires_at = excluded.expires_at,
       reset_count = CASE WHEN binding.hardware_id = excluded.hardware_id THEN binding.reset_count ELSE 0 END
     WHERE excluded.version > binding.version`,
    [binding.node, binding.version, digest, JSON.stringify(envelope), binding.enclave, binding.kind, binding.hardware, binding.hardware_id, binding.ak_name, binding.mtls_key_digest, binding.registration_digest, new Date(binding.expires_at)],
  );
}

/** Remembers the reset counter of affirmed evidence; it never goes back. */
export async function raiseResetCount(transaction: Transaction, node: string, resetCount: number): Promise<void> {
  await transaction.query('UPDATE binding SET reset_count = greatest(reset_count, $2) WHERE node = $1', [node, resetCount]);
}
