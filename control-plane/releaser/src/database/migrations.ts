import { digestOf } from '@strongroom/attestation-encoding';

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/**
 * The releaser's own tables, in the order in which they are made. A migration that has run anywhere is never edited: its digest is
 * kept in the database, and another digest under the same name refuses to start.
 *
 * No other role is given any right on them. Uses, budget, revocations and high-water marks decide what leaves, and whoever could
 * write here could release again what was released, or un-revoke.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: '0001-nonces-and-nodes',
    sql: `
      -- Only digests: reading this table gives nobody a nonce to answer.
      CREATE TABLE nonce (
        digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
        node uuid NOT NULL,
        purpose text NOT NULL CHECK (purpose IN ('enrol', 'release', 'renew')),
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        used_for uuid,
        CHECK ((used_at IS NULL) = (used_for IS NULL))
      );
      CREATE INDEX nonce_outstanding ON nonce (node) WHERE used_at IS NULL;
      CREATE INDEX nonce_expiry ON nonce (expires_at);

      -- The activation secret is never stored: what the right answer hashes to is enough.
      CREATE TABLE enrolment (
        id uuid PRIMARY KEY,
        node uuid NOT NULL UNIQUE,
        enclave text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('tpm2', 'software')),
        hardware boolean NOT NULL,
        hardware_id text NOT NULL,
        ak_name text NOT NULL,
        mtls_key_digest text NOT NULL,
        csr_digest text NOT NULL,
        registration_digest text NOT NULL,
        registration_expires_at timestamptz NOT NULL,
        response_digest bytea NOT NULL CHECK (octet_length(response_digest) = 32),
        expires_at timestamptz NOT NULL
      );

      CREATE TABLE binding (
        node uuid PRIMARY KEY,
        version integer NOT NULL CHECK (version >= 1),
        digest text NOT NULL,
        envelope jsonb NOT NULL,
        enclave text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('tpm2', 'software')),
        hardware boolean NOT NULL,
        hardware_id text NOT NULL,
        ak_name text NOT NULL,
        mtls_key_digest text NOT NULL,
        registration_digest text NOT NULL,
        -- The TPM's resetCount when evidence of this node was last affirmed: it never goes back.
        reset_count bigint NOT NULL DEFAULT 0 CHECK (reset_count >= 0),
        expires_at timestamptz NOT NULL
      );
    `,
  },
  {
    name: '0002-releases',
    sql: `
      CREATE TABLE release (
        release_id uuid PRIMARY KEY,
        request_id uuid NOT NULL,
        request_digest text NOT NULL,
        asset uuid NOT NULL,
        node uuid NOT NULL,
        enclave text NOT NULL,
        environments text[] NOT NULL CHECK (cardinality(environments) > 0),
        ak_name text NOT NULL,
        mtls_key_digest text NOT NULL,
        transport_key_digest text NOT NULL,
        evidence_digest text NOT NULL,
        statement_digest text NOT NULL,
        shards integer[] NOT NULL CHECK (cardinality(shards) > 0),
        bytes bigint NOT NULL CHECK (bytes >= 0),
        lease_seconds integer NOT NULL CHECK (lease_seconds >= 1),
        renew_seconds integer NOT NULL CHECK (renew_seconds >= 1),
        not_after timestamptz NOT NULL,
        -- resetCount at release: a reboot ends the lease.
        reset_count bigint NOT NULL CHECK (reset_count >= 0),
        state text NOT NULL CHECK (state IN ('unwrapping', 'answered', 'ended')),
        sequence integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
        leased_at timestamptz,
        created_at timestamptz NOT NULL,
        ended_at timestamptz,
        ended_reason text,
        CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
        CHECK (state <> 'answered' OR leased_at IS NOT NULL)
      );
      CREATE INDEX release_request ON release (request_id);
      CREATE INDEX release_node ON release (node) WHERE state <> 'ended';
      CREATE INDEX release_asset ON release (asset) WHERE state <> 'ended';

      -- Budgets only go down: rows are inserted, never changed (protocol rule 12).
      CREATE TABLE ledger (
        release_id uuid PRIMARY KEY REFERENCES release (release_id),
        asset uuid NOT NULL,
        route text NOT NULL,
        at timestamptz NOT NULL,
        bytes bigint NOT NULL CHECK (bytes >= 0)
      );
      CREATE INDEX ledger_window ON ledger (asset, route, at);

      CREATE TABLE revocation (
        kind text NOT NULL CHECK (kind IN ('request', 'release', 'node', 'asset')),
        id uuid NOT NULL,
        at timestamptz NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (kind, id)
      );

      -- The highest version seen of each document, and the largest checkpoint (kind 'checkpoint', version = tree size).
      CREATE TABLE high_water (
        kind text NOT NULL,
        subject text NOT NULL,
        version bigint NOT NULL CHECK (version >= 0),
        digest text NOT NULL,
        PRIMARY KEY (kind, subject)
      );
    `,
  },
  {
    name: '0003-append-only',
    sql: `
      -- A second lock on the same door: a fault in this program must not be able to undo a debit, a use or a revocation.
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME; END $$;
      CREATE TRIGGER ledger_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER revocation_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON revocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER release_kept BEFORE DELETE OR TRUNCATE ON release FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

      CREATE FUNCTION refuse_release_move() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.state = 'ended' OR (OLD.state = 'answered' AND NEW.state = 'unwrapping') OR NEW.sequence < OLD.sequence OR NEW.bytes <> OLD.bytes
             OR NEW.transport_key_digest <> OLD.transport_key_digest OR NEW.statement_digest <> OLD.statement_digest OR NEW.request_id <> OLD.request_id THEN
            RAISE EXCEPTION 'a release goes unwrapping, answered, ended, and keeps what it was made for';
          END IF;
          RETURN NEW;
        END $$;
      CREATE TRIGGER release_moves BEFORE UPDATE ON release FOR EACH ROW EXECUTE FUNCTION refuse_release_move();
    `,
  },
];

/** What the database keeps of a migration that ran. */
export function migrationDigest({ name, sql }: Migration): string {
  return digestOf(name, '\0', sql);
}
