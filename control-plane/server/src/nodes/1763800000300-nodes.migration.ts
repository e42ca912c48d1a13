import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Nodes1763800000300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE node (
        id uuid PRIMARY KEY,
        enclave text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('tpm2', 'software')),
        state text NOT NULL CHECK (state IN ('registered', 'enrolled', 'suspended', 'retired')),
        hardware_id text NOT NULL,
        binding jsonb,
        ak_name text,
        mtls_key_digest text,
        certificate_serial text,
        certificate_expires_at timestamptz,
        CHECK (state <> 'enrolled' OR (binding IS NOT NULL AND ak_name IS NOT NULL AND mtls_key_digest IS NOT NULL AND certificate_serial IS NOT NULL))
      )`);
    // One machine is one record (protocol rule 7).
    await runner.query(`CREATE UNIQUE INDEX node_hardware ON node (hardware_id) WHERE state <> 'retired'`);
    await runner.query(`
      CREATE TABLE enrolment (
        id uuid PRIMARY KEY,
        node uuid NOT NULL REFERENCES node (id),
        csr bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE enrolment');
    await runner.query('DROP TABLE node');
  }
}
