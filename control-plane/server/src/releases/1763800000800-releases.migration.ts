import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Releases1763800000800 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE release (
        id uuid PRIMARY KEY,
        request uuid NOT NULL REFERENCES access_request (id),
        node uuid NOT NULL REFERENCES node (id),
        asset uuid NOT NULL REFERENCES asset (id),
        state text NOT NULL CHECK (state IN ('reserved', 'logged', 'unwrapping', 'released', 'ended', 'refused')),
        transport_key_digest text NOT NULL,
        evidence_digest text NOT NULL,
        statement jsonb NOT NULL,
        event_id uuid NOT NULL UNIQUE,
        lease_until timestamptz,
        ended_at timestamptz,
        end_reason text
      )`);
    await runner.query('CREATE INDEX release_request ON release (request)');
    await runner.query('CREATE INDEX release_asset ON release (asset)');
    // A debit without its release, or a release without its debit, cannot be committed.
    await runner.query('ALTER TABLE budget_ledger ADD FOREIGN KEY (release) REFERENCES release (id) DEFERRABLE INITIALLY DEFERRED');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE budget_ledger DROP CONSTRAINT budget_ledger_release_fkey');
    await runner.query('DROP TABLE release');
  }
}
