import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Appraisals1763800000400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE challenge (
        nonce_digest bytea PRIMARY KEY CHECK (octet_length(nonce_digest) = 32),
        node uuid NOT NULL REFERENCES node (id),
        purpose text NOT NULL CHECK (purpose IN ('enrol', 'release', 'renew')),
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      )`);
    await runner.query('CREATE INDEX challenge_expiry ON challenge (expires_at)');
    await runner.query(`
      CREATE TABLE appraisal (
        id uuid PRIMARY KEY,
        node uuid NOT NULL REFERENCES node (id),
        purpose text NOT NULL,
        status text NOT NULL CHECK (status IN ('none', 'affirming', 'warning', 'contraindicated')),
        environment text,
        evidence_digest text NOT NULL,
        ear text NOT NULL,
        at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX appraisal_node ON appraisal (node, at DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE appraisal');
    await runner.query('DROP TABLE challenge');
  }
}
