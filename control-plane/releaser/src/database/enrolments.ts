import { sha256 } from '@strongroom/attestation-encoding';
import type { Queryable, Transaction } from './database.js';

/** A machine that said who it is and has not proven it yet. */
export interface PendingEnrolment {
  readonly id: string;
  readonly node: string;
  readonly enclave: string;
  readonly kind: 'tpm2' | 'software';
  readonly hardware: boolean;
  readonly hardwareId: string;
  readonly akName: string;
  readonly mtlsKeyDigest: string;
  readonly csrDigest: string;
  readonly registrationDigest: string;
  readonly registrationExpiresAt: Date;
  /** SHA-256 of the one right answer. */
  readonly responseDigest: Uint8Array;
  readonly expiresAt: Date;
}

interface Row {
  id: string;
  node: string;
  enclave: string;
  kind: 'tpm2' | 'software';
  hardware: boolean;
  hardware_id: string;
  ak_name: string;
  mtls_key_digest: string;
  csr_digest: string;
  registration_digest: string;
  registration_expires_at: Date;
  response_digest: Buffer;
  expires_at: Date;
}

export function responseDigest(response: Uint8Array): Uint8Array {
  return sha256('strongroom/activation-response/v1\0', response);
}

/** One a node: a later beginning replaces an earlier one. */
export async function storeEnrolment(database: Queryable, enrolment: PendingEnrolment, now: Date): Promise<void> {
  await database.query(
    `WITH expired AS (DELETE FROM enrolment WHERE expires_at < $14 AND node <> $2)
     INSERT INTO enrolment (id, node, enclave, kind, hardware, hardware_id, ak_name, mtls_key_digest, csr_digest, registration_digest, registration_expires_at, response_digest, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     ON CONFLICT (node) DO UPDATE SET id = excluded.id, enclave = excluded.enclave, kind = excluded.kind, hardware = excluded.hardware, hardware_id = excluded.hardware_id,
       ak_name = excluded.ak_name, mtls_key_digest = excluded.mtls_key_digest, csr_digest = excluded.csr_digest, registration_digest = excluded.registration_digest,
       registration_expires_at = excluded.registration_expires_at, response_digest = excluded.response_digest, expires_at = excluded.expires_at`,
    [
      enrolment.id,
      enrolment.node,
      enrolment.enclave,
      enrolment.kind,
      enrolment.hardware,
      enrolment.hardwareId,
      enrolment.akName,
      enrolment.mtlsKeyDigest,
      enrolment.csrDigest,
      enrolment.registrationDigest,
      enrolment.registrationExpiresAt,
      enrolment.responseDigest,
      enrolment.expiresAt,
      now,
    ],
  );
}

/** Takes the enrolment away, right answer or wrong: there is one attempt. Committed before the answer is looked at. */
export async function takeEnrolment(transaction: Transaction, id: string): Promise<PendingEnrolment | undefined> {
  const { rows } = await transaction.query<Row>('DELETE FROM enrolment WHERE id = $1 RETURNING *', [id]);
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    id: row.id,
    node: row.node,
    enclave: row.enclave,
    kind: row.kind,
    hardware: row.hardware,
    hardwareId: row.hardware_id,
    akName: row.ak_name,
    mtlsKeyDigest: row.mtls_key_digest,
    csrDigest: row.csr_digest,
    registrationDigest: row.registration_digest,
    registrationExpiresAt: row.registration_expires_at,
    responseDigest: new Uint8Array(row.response_digest),
    expiresAt: row.expires_at,
  };
}
