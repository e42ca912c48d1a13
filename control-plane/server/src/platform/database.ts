import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager, type EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { StrongroomError } from './errors.js';

export type DatabaseConnection =
  | { readonly url: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly password: string; readonly database: string };

/** The tables of every domain. Migrations carry their time in the class name and run in that order. */
export interface Schema {
  readonly entities: readonly (EntitySchema | (new () => object))[];
  readonly migrations: readonly (new () => MigrationInterface)[];
}

export interface DatabaseOptions {
  readonly connection: DatabaseConnection;
  readonly schema: Schema;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
}

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

// Serialization failure, deadlock: the database undid everything and asks for another try.
const TRY_AGAIN = new Set(['40001', '40P01']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', '57P01', '57P02', '57P03', '53300', '08000', '08003', '08006']);
const ATTEMPTS = 6;
// Any fixed number; it only has to be the same in every replica.
const MIGRATION_LOCK = 7_104_301;

/** The one PostgreSQL. Whatever must be atomic gets the transaction as an argument. */
@Injectable()
export class Database implements OnApplicationShutdown {
  readonly #afterCommit = new WeakMap<EntityManager, (() => void)[]>();

  private constructor(private readonly dataSource: DataSource) {}

  /**
   * Connects, then brings the tables up to date under a lock, so that replicas starting together do it once.
   * @throws StrongroomError `database-unavailable` | `database-outdated`
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const dataSource = new DataSource({
      type: 'postgres',
      ...toCredentials(options.connection),
      entities: [...options.schema.entities],
      migrations: [...options.schema.migrations],
      synchronize: false,
      migrationsTransactionMode: 'each',
      poolSize: options.poolSize,
      applicationName: 'strongroom-server',
      logging: false,
      poolErrorHandler: () => undefined,
      extra: { statement_timeout: options.statementTimeoutMs, idle_in_transaction_session_timeout: 60_000, connectionTimeoutMillis: 10_000 },
    });
    await dataSource.initialize().catch((cause: unknown) => {
      throw new StrongroomError('database-unavailable', undefined, { cause });
    });
    try {
      await migrate(dataSource);
    } catch (cause) {
      await dataSource.destroy();
      throw new StrongroomError('database-outdated', `a migration failed: ${cause instanceof Error ? cause.message : 'unknown'}`, { cause });
    }
    return new Database(dataSource);
  }

  /** For reads that need no transaction. */
  get manager(): EntityManager {
    return this.dataSource.manager;
  }

  /**
   * Runs `work` in one transaction; all of it happens or none. After a serialization failure or deadlock it runs again, up to six
   * times, so `work` must do nothing outside the database; use `afterCommit` for that. A connection lost during COMMIT is
   * reported, never retried: nobody knows whether it happened.
   * @throws StrongroomError `transaction-contention` | `database-unavailable`, or what `work` throws
   */
  async inTransaction<T>(work: (manager: EntityManager) => Promise<T>, options: { isolation?: Isolation } = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let callbacks: (() => void)[] = [];
      try {
        const result = await this.dataSource.transaction(options.isolation ?? 'READ COMMITTED', (manager) => {
          callbacks = [];
          this.#afterCommit.set(manager, callbacks);
          return work(manager);
        });
        for (const callback of callbacks) callback();
        return result;
      } catch (error) {
        if (!TRY_AGAIN.has(codeOf(error))) throw translate(error);
        if (attempt === ATTEMPTS) throw new StrongroomError('transaction-contention', undefined, { cause: error });
        await delay(2 ** attempt + Math.random() * 10);
      }
    }
  }

  /** Calls `callback` once the transaction of `manager` is committed; never when it is not. It must not throw. */
  afterCommit(manager: EntityManager, callback: () => void): void {
    const callbacks = this.#afterCommit.get(manager);
    if (!callbacks) throw new StrongroomError('defect', 'afterCommit needs the manager that inTransaction gave');
    callbacks.push(callback);
  }

  /** A connection of one's own, for session-level locks. The caller releases it. */
  async connection(): Promise<QueryRunner> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.connect();
    } catch (error) {
      await runner.release();
      throw translate(error);
    }
    return runner;
  }

  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

async function migrate(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await runner.release();
  }
}

function toCredentials(connection: DatabaseConnection) {
  if ('url' in connection) return { url: connection.url };
  const { host, port, user: username, password, database } = connection;
  return { host, port, username, password, database };
}

/** The driver's code, through TypeORM's wrapping. */
function codeOf(error: unknown): string {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: unknown }; code?: unknown };
  const found = driverError?.code ?? code;
  return typeof found === 'string' ? found : '';
}

/** True for PostgreSQL's unique_violation, for services that turn it into a `conflict`. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

function translate(error: unknown): unknown {
  const lost = UNREACHABLE.has(codeOf(error)) || (error instanceof Error && /Connection terminated|connection timeout|timeout exceeded when trying to connect/i.test(error.message));
  return lost ? new StrongroomError('database-unavailable', undefined, { cause: error }) : error;
}
