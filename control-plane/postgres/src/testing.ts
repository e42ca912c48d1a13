import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { administrator } from './cluster.js';
import { PostgresError } from './errors.js';
import { isCode } from './owner-lock.js';
import { PasswordFolder } from './passwords.js';
import { identifier, releaserRole, serverRole, withClient, type PostgresConnection } from './roles.js';
import { administration, startDetached } from './server.js';

export interface TestDatabaseOptions {
  /** Brings an empty database up to date, connected as the server's role; closes what it opens. */
  readonly migrate?: (connection: PostgresConnection) => Promise<void>;
  /**
   * Name of the migrated state: `migrate` then runs once a test run, and every further database is a copy (about 60 ms).
   * The same name must always mean the same `migrate`.
   */
  readonly template?: string;
}

export interface TestDatabase {
  readonly database: string;
  connectionFor(role: string): PostgresConnection;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

type TestServer = ReturnType<typeof administration>;

let server: Promise<TestServer> | undefined;

/**
 * The one PostgreSQL of this test run, started by whichever worker asks first and ended with the run
 * (tools/jest-global-setup.mjs); outside Jest, one that ends with this process.
 */
export function testDatabase(): Promise<TestServer> {
  return (server ??= attach());
}

/** A fresh database with the production roles and schemas, for one suite. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const test = await testDatabase();
  const { migrate, template } = options;
  const source = template === undefined ? 'template_bare' : `template_${createHash('sha256').update(template).digest('hex').slice(0, 16)}`;
  await asAdministrator(test, (client) => prepareTemplate(test, client, source, template === undefined ? undefined : migrate));
  const database = `test_${randomBytes(8).toString('hex')}`;
  await asAdministrator(test, (client) => copyDatabase(client, source, database));
  await grant(test, database);
  if (template === undefined) await migrate?.(test.connection({ role: serverRole, database }));
  return {
    database,
    connectionFor: (role) => test.connection({ role, database }),
    drop: () => asAdministrator(test, (client) => dropDatabase(client, database)),
  };
}

async function attach(): Promise<TestServer> {
  const run = process.env['STRONGROOM_TEST_RUN'];
  if (run === undefined) return startForThisProcess();
  const passwords = passwordsOf(run);
  const first = await mkdir(join(run, 'starting')).then(
    () => true,
    (error: unknown) => {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    },
  );
  return administration(first ? await startForRun(run, passwords) : await startedByAnother(run), passwords);
}

/** The server outlives the worker that started it; the others find it by the file written last. */
async function startForRun(run: string, passwords: PasswordFolder): Promise<string> {
  try {
    const { socketFolder } = await startWithRoles(run, passwords);
    await writeFile(join(run, 'socket.partial'), socketFolder);
    await rename(join(run, 'socket.partial'), join(run, 'socket'));
    return socketFolder;
  } catch (error) {
    await writeFile(join(run, 'failed'), error instanceof Error ? error.message : 'unknown');
    throw error;
  }
}

async function startedByAnother(run: string): Promise<string> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const socketFolder = await readFile(join(run, 'socket'), 'utf8').catch(() => undefined);
    if (socketFolder !== undefined) return socketFolder;
    const failure = await readFile(join(run, 'failed'), 'utf8').catch(() => undefined);
    if (failure !== undefined) throw new PostgresError('test-server', `the test database did not start: ${failure}`);
    await delay(20);
  }
  throw new PostgresError('test-server', 'the test database was not ready within 60 s');
}

async function startForThisProcess(): Promise<TestServer> {
  // Root drops to another account, which may not be able to enter root's own temporary folder.
  const run = await mkdtemp(join(process.getuid?.() === 0 ? '/tmp' : tmpdir(), 'strongroom-test-'));
  await chmod(run, 0o711);
  await writeFile(join(run, 'pid'), String(process.pid));
  const passwords = passwordsOf(run);
  const { socketFolder, kill } = await startWithRoles(run, passwords);
  process.once('exit', () => {
    kill();
    rmSync(run, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });
  return administration(socketFolder, passwords);
}

async function startWithRoles(run: string, passwords: PasswordFolder): Promise<{ socketFolder: string; kill: () => void }> {
  const { socketFolder, pid } = await startDetached({ home: join(run, 'home'), settings: { max_connections: '200' } });
  const test = administration(socketFolder, passwords);
  await test.ensureRole(serverRole);
  await test.ensureRole(releaserRole);
  return { socketFolder, kill: () => process.kill(pid, 'SIGQUIT') };
}

function passwordsOf(run: string): PasswordFolder {
  return new PasswordFolder(join(run, 'home', 'secrets'));
}

function asAdministrator<T>(test: TestServer, work: (client: Client) => Promise<T>): Promise<T> {
  return withClient(test.connection({ role: administrator, database: 'postgres' }), work);
}

/** Migrates once a run: others wait for the lock, and a template half made by a failed one is begun anew. */
async function prepareTemplate(
  test: TestServer,
  client: Client,
  name: string,
  migrate: ((connection: PostgresConnection) => Promise<void>) | undefined,
): Promise<void> {
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount !== 0) return;
  const partial = `${name}_partial`;
  await dropDatabase(client, partial);
  await client.query(`CREATE DATABASE ${identifier(partial)}`);
  await grant(test, partial);
  await migrate?.(test.connection({ role: serverRole, database: partial }));
  await whenUnused(() => client.query(`ALTER DATABASE ${identifier(partial)} RENAME TO ${identifier(name)}`));
}

/** Rights on a database and settings of a role in it do not travel with a copy. */
async function grant(test: TestServer, database: string): Promise<void> {
  await test.ensureDatabase({ database, owner: serverRole });
  await test.ensureSchema({ database, schema: 'releaser', owner: releaserRole });
}

async function copyDatabase(client: Client, source: string, database: string): Promise<void> {
  await whenUnused(() => client.query(`CREATE DATABASE ${identifier(database)} TEMPLATE ${identifier(source)}`));
}

async function dropDatabase(client: Client, database: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${identifier(database)} WITH (FORCE)`);
}

/** PostgreSQL copies or renames only a database nobody is connected to, and a closed connection lingers for a moment. */
async function whenUnused(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isCode(error, '55006') || Date.now() > deadline) throw error;
      await delay(10);
    }
  }
}
