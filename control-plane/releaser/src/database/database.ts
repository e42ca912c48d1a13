import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import { MIGRATIONS, migrationDigest, type Migration } from './migrations.js';
import { ReleaserError } from '../errors.js';

export interface DatabaseConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string;
}

/** What reads and writes tables: a connection inside or outside a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>;
}

declare const inTransaction: unique symbol;

/** A transaction: what must be atomic asks for this, so that it cannot be handed a bare connection. */
export interface Transaction extends Queryable {
  readonly [inTransaction]: true;
}

/** Lock spaces. A transaction that takes several takes them in this order, so that no two wait for each other. */
export const LOCK = { migration: 0x53520000, asset: 0x53520001, node: 0x53520002, request: 0x53520003, release: 0x53520004 } as const;

// Durability and names are our own business, whatever the server's settings say.
const SESSION = '-c search_path=releaser -c synchronous_commit=on -c statement_timeout=15000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000';

/** The releaser's tables, under its own role. Every write is durable when `transaction` returns. */
export class Database {
  private constructor(private readonly pool: Pool) {}

  static open(connection: DatabaseConnection, maxConnections = 8): Database {
    const pool = new Pool({ ...connection, max: maxConnections, options: SESSION, application_name: 'strongroom-releaser', connectionTimeoutMillis: 10_000 });
    // A connection that dies while idle is replaced; without a listener it would end the program.
    pool.on('error', () => undefined);
    return new Database(pool);
  }

  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }> {
    return this.pool.query<Row>(text, [...values]);
  }

  /**
   * Runs `work` in one transaction, committed when it returns and undone when it throws. A commit whose answer is lost may have
   * happened: what follows a commit must be safe to ask for again.
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      const result = await work(client as unknown as Transaction);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      broken = await rollback(client);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /**
   * Brings the tables up to date, one program at a time.
   * @throws ReleaserError `database-migration` where the database has other migrations than this program
   */
  async migrate(migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
    await this.transaction(async (transaction) => {
      await transaction.query('SELECT pg_advisory_xact_lock($1, 0)', [LOCK.migration]);
      await transaction.query('CREATE TABLE IF NOT EXISTS migration (position integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL)');
      const { rows } = await transaction.query<{ name: string; digest: string }>('SELECT name, digest FROM migration ORDER BY position');
      if (rows.length > migrations.length) throw new ReleaserError('database-migration', 'the database was migrated by a newer program');
      for (const [position, migration] of migrations.entries()) {
        const digest = migrationDigest(migration);
        const ran = rows[position];
        if (ran === undefined) {
          await transaction.query(migration.sql);
          await transaction.query('INSERT INTO migration (position, name, digest) VALUES ($1, $2, $3)', [position, migration.name, digest]);
        } else if (ran.name !== migration.name || ran.digest !== digest) {
          throw new ReleaserError('database-migration', `the database ran another migration ${migration.name}`);
        }
      }
    });
  }
}

async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    // The pool throws the connection away when it is given an error.
    return error as Error;
  }
}

/** Waits for a lock that ends with the transaction. */
export async function lock(transaction: Transaction, space: number, id: string): Promise<void> {
  await transaction.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [space, id]);
}
