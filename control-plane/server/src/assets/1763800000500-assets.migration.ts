import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Assets1763800000500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE asset (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        class text NOT NULL,
        owner text NOT NULL,
        state text NOT NULL CHECK (state IN ('registered', 'revoked')),
        version integer NOT NULL CHECK (version >= 1),
        seal_id text NOT NULL,
        manifest_digest text NOT NULL UNIQUE,
        manifest jsonb NOT NULL,
        event_id uuid NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE wrapped_key (
        asset uuid NOT NULL REFERENCES asset (id),
        seal_id text NOT NULL,
        shard integer NOT NULL CHECK (shard >= 0),
        wrapped jsonb NOT NULL,
        PRIMARY KEY (asset, seal_id, shard)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE wrapped_key');
    await runner.query('DROP TABLE asset');
  }
}
