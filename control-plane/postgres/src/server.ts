import { join } from 'node:path';
import { realpath, rm } from 'node:fs/promises';
import { binariesFor } from './binaries.js';
import { administrator, ensureCluster } from './cluster.js';
import { takeOwnership } from './owner-lock.js';
import { PasswordFolder } from './passwords.js';
import { forgetPlacement, place, type Placement } from './placement.js';
import { endLeftover, shutdownSignal, startPostmaster, stopPostmaster, type Postmaster, type PostmasterExit } from './postmaster.js';
import { ensureDatabase, ensureRole, ensureSchema, grantDatabase, identifier, withClient, type PostgresConnection } from './roles.js';
import { makeSocketFolder, port, removeShortFolder } from './socket-folder.js';

export interface PostgresOptions {
  /** Folder of this database: its passwords, and its files where the server's account can reach them. Made when missing. */
  readonly home: string;
  /** Told where the data, programs and socket are, and of anything left by a crash. Never a secret. */
  readonly log?: (line: string) => void;
  /** Bound on the start, crash recovery included. Default 60 s. */
  readonly startTimeoutMs?: number;
  /** Bound on a clean stop, before it is forced. Default 20 s. */
  readonly stopTimeoutMs?: number;
  /** PostgreSQL settings, e.g. `max_connections`. `fsync` and its neighbours stay on whatever is said here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  readonly socketFolder: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Resolves when the server's process ends, for whatever reason. */
  readonly exited: Promise<PostmasterExit>;
  /** @throws PostgresError `role-unknown` for a role that `ensureRole` has not made in this home. */
  connection(target: { readonly role: string; readonly database: string }): PostgresConnection;
  /** Makes a role that can log in and nothing else; idempotent. */
  ensureRole(role: string): Promise<void>;
  /** Makes `database`, with `owner` owning its schema `public`; nobody else may connect. Idempotent. */
  ensureDatabase(target: { readonly database: string; readonly owner: string }): Promise<void>;
  /** Makes a schema only `owner` can use, and lets `owner` connect. Idempotent. */
  ensureSchema(target: { readonly database: string; readonly schema: string; readonly owner: string }): Promise<void>;
  /** Ends connections, writes a checkpoint and ends the server; forced after its bound. */
  stop(): Promise<void>;
  /** Ends the server at once; the next start recovers. */
  stopImmediately(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL of `home`, made on first use: a Unix socket only, SCRAM passwords, checksums, fsync on.
 * As root it runs under `postgres` or `nobody`. A server or lock file left by a crash is cleared first.
 *
 * It is meant for one machine and no production: the programs are community builds. One process serves a home at a time.
 *
 * @throws PostgresError `home-in-use` when another living process serves this home; the other codes say what to repair.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { placement, passwords, ownership, socketFolder, postmaster } = await start(options);
  const stopOnExit = () => {
    process.kill(postmaster.pid, shutdownSignal.fast);
  };
  process.once('exit', stopOnExit);
  void postmaster.exited.then(() => process.removeListener('exit', stopOnExit));
  const end = async (fastMs: number) => {
    await stopPostmaster(postmaster, fastMs);
    await removeShortFolder(placement.folder);
    await ownership.release();
  };
  let ended: Promise<void> | undefined;
  return {
    ...administration(socketFolder, passwords),
    dataFolder: placement.dataFolder,
    exited: postmaster.exited,
    stop: () => (ended ??= end(options.stopTimeoutMs ?? 20_000)),
    stopImmediately: () => (ended ??= end(0)),
  };
}

/**
 * Removes the database of `home` wherever it was placed, passwords included. For homes that were temporary: as root their
 * data may lie under /var/lib/strongroom, where removing the home does not reach.
 *
 * @throws PostgresError `home-in-use` while a process serves it.
 */
export async function removePostgres(home: string): Promise<void> {
  const placement = await place(home);
  await takeOwnership(placement.folder);
  await endLeftover(placement.dataFolder);
  await removeShortFolder(placement.folder);
  await rm(placement.folder, { recursive: true, force: true });
  await new PasswordFolder(join(home, 'secrets')).remove();
  await forgetPlacement(home);
}

/** A server that outlives this process: for test runs, whose teardown ends it by its pid. */
export async function startDetached(options: PostgresOptions): Promise<{ socketFolder: string; pid: number }> {
  const { socketFolder, postmaster } = await start(options);
  postmaster.unref();
  return { socketFolder, pid: postmaster.pid };
}

async function start(options: PostgresOptions) {
  const placement = await place(options.home);
  const ownership = await takeOwnership(placement.folder);
  try {
    const passwords = new PasswordFolder(join(await realpath(options.home), 'secrets'));
    await passwords.prepare();
    const launched = await launch(placement, passwords, options, options.log ?? (() => undefined));
    return { placement, passwords, ownership, ...launched };
  } catch (error) {
    await ownership.release();
    throw error;
  }
}

async function launch(
  placement: Placement,
  passwords: PasswordFolder,
  options: PostgresOptions,
  log: (line: string) => void,
): Promise<{ socketFolder: string; postmaster: Postmaster }> {
  const binaries = await binariesFor(placement.user, placement.folder);
  const account = placement.user === undefined ? '' : ` as user ${placement.user.name}`;
  log(`database: ${binaries.version}${binaries.copied ? ' (programs copied to where its account can run them)' : ''}${account}`);
  const made = await ensureCluster(placement, binaries, passwords);
  log(`database: data in ${placement.dataFolder}${made ? ' (new)' : ''}`);
  const leftover = await endLeftover(placement.dataFolder);
  if (leftover === 'orphan') log('database: a server left by a crash was stopped; recovering');
  if (leftover === 'stale-lock') log('database: a lock file left by a crash is cleared; recovering');
  const socketFolder = await makeSocketFolder(placement.folder, placement.user);
  const { startTimeoutMs: timeoutMs = 60_000, settings = {} } = options;
  const postmaster = await startPostmaster(placement, binaries, socketFolder, { timeoutMs, settings });
  log(`database: ready on the socket in ${socketFolder}`);
  return { socketFolder, postmaster };
}

/** What can be done with a running server over its socket, given the folder with its passwords. */
export function administration(socketFolder: string, passwords: PasswordFolder) {
  const connection = ({ role, database }: { readonly role: string; readonly database: string }): PostgresConnection => {
    identifier(role);
    return { host: socketFolder, port, user: role, password: passwords.read(role), database };
  };
  const admin = (database: string) => connection({ role: administrator, database });
  return {
    socketFolder,
    port,
    connection,
    ensureRole: (role: string) => withClient(admin('postgres'), (client) => ensureRole(client, passwords, role)),
    async ensureDatabase({ database, owner }: { readonly database: string; readonly owner: string }) {
      await withClient(admin('postgres'), (client) => ensureDatabase(client, database));
      await withClient(admin(database), (client) => grantDatabase(client, database, owner));
    },
    async ensureSchema({ database, schema, owner }: { readonly database: string; readonly schema: string; readonly owner: string }) {
      await withClient(admin(database), (client) => ensureSchema(client, database, schema, owner));
    },
  };
}
