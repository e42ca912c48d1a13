import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Audit1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Recorded, not yet in the log. The sequencer takes rows by being here, never by a high-water mark: a lower id may commit later.
      CREATE TABLE audit_pending (
        id bigserial PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        event text NOT NULL,
        chains text[] NOT NULL
      );

      CREATE TABLE audit_entry (
        index bigint PRIMARY KEY CHECK (index >= 0),
        event_id uuid NOT NULL UNIQUE,
        leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32),
        class_uid integer NOT NULL,
        time_ms bigint NOT NULL,
        entry bytea NOT NULL CHECK (length(entry) BETWEEN 2 AND 65535)
      );
      CREATE INDEX audit_entry_class ON audit_entry (class_uid, index);

      CREATE FUNCTION audit_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit entries are never changed'; END $$;
      CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_append_only();

      -- Which entries a chain has, in order.
      CREATE TABLE audit_chain_entry (
        chain_uid text COLLATE "C" NOT NULL,
        position bigint NOT NULL CHECK (position >= 0),
        index bigint NOT NULL REFERENCES audit_entry,
        PRIMARY KEY (chain_uid, position)
      );
      CREATE INDEX audit_chain_entry_index ON audit_chain_entry (index);

      -- The last event of each chain: what the next one names as prev_event.
      CREATE TABLE audit_chain (
        chain_uid text COLLATE "C" PRIMARY KEY,
        position bigint NOT NULL,
        event_id uuid NOT NULL,
        type_uid integer NOT NULL,
        fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32)
      );

      -- One row. size and root are of what is sequenced; published_size and checkpoint of what outsiders may see.
      CREATE TABLE audit_head (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        epoch bigint NOT NULL,
        size bigint NOT NULL,
        root bytea NOT NULL CHECK (length(root) = 32),
        published_size bigint NOT NULL CHECK (published_size <= size),
        checkpoint bytea
      );
      INSERT INTO audit_head (epoch, size, root, published_size) VALUES (0, 0, sha256(''), 0);

      -- Without its key, a subject's commitments say nothing about the subject any more.
      CREATE TABLE audit_subject_key (
        subject_id text PRIMARY KEY,
        key bytea CHECK (length(key) = 32),
        erased_at timestamptz,
        CHECK ((key IS NULL) <> (erased_at IS NULL))
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE audit_subject_key, audit_head, audit_chain, audit_chain_entry, audit_entry, audit_pending;
      DROP FUNCTION audit_entry_append_only`);
  }
}
