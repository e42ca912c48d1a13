import type { MigrationInterface, QueryRunner } from 'typeorm';

export class People1763800000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE session (
        id uuid PRIMARY KEY,
        person uuid NOT NULL,
        token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
        assertion_id text NOT NULL UNIQUE,
        key_id text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
        ended_at timestamptz
      )`);
    await runner.query('CREATE INDEX session_person ON session (person, created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE session');
  }
}
