import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Budgets1763800000600 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE budget_ledger (
        release uuid PRIMARY KEY,
        asset uuid NOT NULL REFERENCES asset (id),
        route text NOT NULL,
        bytes bigint NOT NULL CHECK (bytes > 0),
        at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX budget_ledger_window ON budget_ledger (asset, route, at)');
    // Only down: not even this program takes a debit back.
    await runner.query(`
      CREATE FUNCTION budget_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'the budget ledger is append-only'; END $$`);
    await runner.query('CREATE TRIGGER budget_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_ledger FOR EACH STATEMENT EXECUTE FUNCTION budget_ledger_is_append_only()');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE budget_ledger');
    await runner.query('DROP FUNCTION budget_ledger_is_append_only');
  }
}
