import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Documents1763800000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE document (
        kind text NOT NULL,
        subject text NOT NULL,
        version integer NOT NULL CHECK (version >= 1),
        digest text NOT NULL UNIQUE CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
        envelope jsonb NOT NULL,
        registered_at timestamptz NOT NULL,
        event_id uuid NOT NULL,
        PRIMARY KEY (kind, subject, version)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE document');
  }
}
