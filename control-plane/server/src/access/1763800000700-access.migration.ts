import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Access1763800000700 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE access_request (
        id uuid PRIMARY KEY,
        digest text NOT NULL UNIQUE,
        statement jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('awaiting_approvals', 'approved', 'active', 'used', 'expired', 'revoked', 'denied', 'withdrawn')),
        uses integer NOT NULL CHECK (uses >= 0 AND uses <= (statement->>'max_uses')::int),
        node uuid NOT NULL REFERENCES node (id),
        asset uuid NOT NULL REFERENCES asset (id),
        requested_by uuid NOT NULL,
        policy_digest text NOT NULL
      )`);
    await runner.query('CREATE INDEX access_request_node ON access_request (node, state)');
    await runner.query(`
      CREATE TABLE approval (
        statement_digest text PRIMARY KEY,
        request uuid NOT NULL REFERENCES access_request (id),
        approver uuid NOT NULL,
        approval jsonb NOT NULL,
        position bigserial NOT NULL,
        at timestamptz NOT NULL,
        event_id uuid NOT NULL
      )`);
    // One vote a person, and one change of mind: who approved may still deny.
    await runner.query(`CREATE UNIQUE INDEX approval_voter ON approval (request, approver, (approval->'statement'->>'decision'))`);
    await runner.query(`
      CREATE FUNCTION approval_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'approvals are kept for ever'; END $$`);
    await runner.query('CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval FOR EACH STATEMENT EXECUTE FUNCTION approval_is_append_only()');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE approval');
    await runner.query('DROP TABLE access_request');
    await runner.query('DROP FUNCTION approval_is_append_only');
  }
}
