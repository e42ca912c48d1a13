import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { processIdentity, worksIn } from './process-identity.js';
import { serverRole, withClient } from './roles.js';
import { removePostgres, startPostgres, type PostgresServer } from './server.js';
import { isRoot } from './server-user.js';

const target = { role: serverRole, database: 'strongroom' };

/** A folder that the account of the database can enter, as root's own temporary folder may not be. */
async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(isRoot() ? '/tmp' : tmpdir(), 'strongroom-spec-'));
  await chmod(folder, 0o711);
  return folder;
}

async function prepare(server: PostgresServer): Promise<void> {
  await server.ensureRole(serverRole);
  await server.ensureDatabase({ database: 'strongroom', owner: serverRole });
}

const query = (server: PostgresServer, statement: string) =>
  withClient(server.connection(target), async (client) => (await client.query<Record<string, unknown>>(statement)).rows);

describe('an embedded server', () => {
  let folder: string;
  let home: string;
  let server: PostgresServer;
  const lines: string[] = [];

  beforeAll(async () => {
    folder = await openFolder();
    home = join(folder, 'home');
    server = await startPostgres({ home, log: (line) => lines.push(line), settings: { fsync: 'off' } });
    await prepare(server);
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('tells where things are', () => {
    expect(lines.join('\n')).toContain(`data in ${server.dataFolder} (new)`);
    expect(lines.join('\n')).toContain(`socket in ${server.socketFolder}`);
  });

  it.each([
    ['listen_addresses', ''],
    ['data_checksums', 'on'],
    ['fsync', 'on'],
    ['synchronous_commit', 'on'],
    ['server_encoding', 'UTF8'],
    ['lc_collate', 'C'],
    ['password_encryption', 'scram-sha-256'],
    ['unix_socket_permissions', '0700'],
  ])('has %s = %j, whatever the caller set', async (name, value) => {
    const source = name === 'lc_collate' ? 'SELECT datcollate AS v FROM pg_database WHERE datname = current_database()' : `SELECT current_setting('${name}') AS v`;
    expect(await query(server, source)).toEqual([{ v: value }]);
  });

  it('accepts no connection without a password and none over TCP', async () => {
    const rules = await readFile(join(server.dataFolder, 'pg_hba.conf'), 'utf8');
    const methods = rules.split('\n').flatMap((line) => (/^(local|host)/.test(line) ? [line.trim().split(/\s+/).at(-1)] : []));
    expect(new Set(methods)).toEqual(new Set(['scram-sha-256', 'reject']));
  });

  it('keeps passwords in files of the owner alone, and out of the log', async () => {
    expect((await stat(join(home, 'secrets'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, 'secrets', `postgres-${serverRole}`))).mode & 0o777).toBe(0o600);
    const { password } = server.connection(target);
    await expect(query(server, `SELECT 1/0 AS "${password}"`)).rejects.toMatchObject({ code: '22012' });
    const log = await readFile(join(server.dataFolder, '..', 'postgres.log'), 'utf8');
    expect(log).toContain('division by zero');
    expect(log).not.toContain(password);
  });

  it('refuses a second owner of the same home', async () => {
    await expect(startPostgres({ home })).rejects.toMatchObject({ code: 'home-in-use' });
  });

  it('makes roles and databases again without harm', async () => {
    await query(server, 'CREATE TABLE kept (id int)');
    await prepare(server);
    expect(await query(server, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
  });

  it('stops cleanly and starts again with what it held', async () => {
    const held = withClient(server.connection(target), async (client) => {
      client.on('error', () => undefined);
      await client.query('SELECT pg_sleep(60)');
    }).catch((error: unknown) => error);
    await server.stop();
    await expect(held).resolves.toBeDefined();
    await expect(server.exited).resolves.toEqual({ code: 0, signal: null });
    server = await startPostgres({ home });
    expect(await query(server, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
  });
});

describe('after a crash', () => {
  let folder: string;
  let home: string;
  let server: PostgresServer | undefined;

  beforeAll(async () => {
    folder = await openFolder();
    home = join(folder, 'home');
    server = await startPostgres({ home });
    await prepare(server);
    await query(server, 'CREATE TABLE entry (id int PRIMARY KEY)');
    await server.stop();
  });

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onLinux('keeps 100 acknowledged commits when the server is killed with all its processes', async () => {
    const running = await startPostgres({ home });
    const acknowledged: number[] = [];
    let killed = 0;
    const session = withClient(running.connection(target), async (client) => {
      client.on('error', () => undefined);
      for (let id = 0; id < 100; id += 1) {
        await client.query('INSERT INTO entry VALUES ($1)', [id]);
        acknowledged.push(id);
      }
      killed = killEverythingIn(running.dataFolder);
      await client.query('SELECT 1');
    });
    await expect(session).rejects.toThrow();
    expect(acknowledged).toHaveLength(100);
    expect(killed).toBeGreaterThan(4);
    await expect(running.exited).resolves.toMatchObject({ signal: 'SIGKILL' });
    await running.stop();
    server = await startPostgres({ home });
    expect(await query(server, 'SELECT count(*)::int AS n, max(id) AS last FROM entry')).toEqual([{ n: 100, last: 99 }]);
  });

  it('starts although the lock file names another living program of the same account', async () => {
    const running = await startPostgres({ home });
    const owner = await stat(running.dataFolder);
    await running.stopImmediately();
    const other = spawn('/bin/sleep', ['600'], isRoot() ? { uid: owner.uid, gid: owner.gid, cwd: '/' } : {});
    try {
      await leaveLockOf(other, running);
      const said: string[] = [];
      server = await startPostgres({ home, log: (line) => said.push(line) });
      expect(said.join('\n')).toContain('lock file left by a crash');
      expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(other.exitCode ?? other.signalCode).toBeNull();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('stops the server that outlived its killed supervisor, and recovers', async () => {
    const supervisor = await superviseElsewhere(home);
    const orphan = await postmasterPidIn(join(home, 'postgres', 'data'));
    await ended(supervisor, 'SIGKILL');
    expect(processIdentity(orphan)).toBeDefined();
    const said: string[] = [];
    server = await startPostgres({ home, log: (line) => said.push(line) });
    expect(said.join('\n')).toContain('server left by a crash was stopped');
    expect(processIdentity(orphan)).toBeUndefined();
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('refuses while the supervisor in another process lives', async () => {
    const supervisor = await superviseElsewhere(home);
    try {
      await expect(startPostgres({ home })).rejects.toMatchObject({ code: 'home-in-use' });
    } finally {
      await ended(supervisor, 'SIGTERM');
    }
  });

  it('begins initialising again when it was cut short', async () => {
    const half = join(folder, 'half');
    await mkdir(join(half, 'postgres', 'data.partial', 'base'), { recursive: true });
    await writeFile(join(half, 'postgres', 'data.partial', 'PG_VERSION'), '18\n');
    await chmod(half, 0o711);
    const begun = await startPostgres({ home: half });
    await begun.stop();
    expect((await stat(join(half, 'postgres', 'data', 'global', 'pg_control'))).isFile()).toBe(true);
  });

  it('does not begin an empty database where a recorded one is gone', async () => {
    const lost = join(folder, 'lost');
    await mkdir(lost);
    await writeFile(join(lost, 'postgres.json'), JSON.stringify({ version: 1, folder: '/var/lib/strongroom/0000000000000000' }));
    await expect(startPostgres({ home: lost })).rejects.toMatchObject({ code: 'data-missing' });
    await writeFile(join(lost, 'postgres.json'), JSON.stringify({ version: 1, folder: '/etc' }));
    await expect(startPostgres({ home: lost })).rejects.toMatchObject({ code: 'home-malformed' });
  });
});

describe('awkward homes', () => {
  it('puts the socket in a short folder when the home has a long path, and removes it', async () => {
    const folder = await openFolder();
    const home = join(folder, 'a-name-of-forty-characters-to-be-too-long', 'b-name-of-forty-characters-to-be-too-long', 'with spaces, commas');
    await mkdir(home, { recursive: true });
    const server = await startPostgres({ home });
    try {
      expect(server.dataFolder.startsWith(folder)).toBe(true);
      expect(server.socketFolder.startsWith(folder)).toBe(false);
      await prepare(server);
      expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await server.stop();
    }
    await expect(stat(server.socketFolder)).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(folder, { recursive: true, force: true });
  });

  const asRoot = isRoot() ? it : it.skip;

  asRoot('keeps the data in a system folder when the account of the database cannot enter the home', async () => {
    const folder = await mkdtemp('/tmp/strongroom-spec-');
    const home = join(folder, 'home');
    const server = await startPostgres({ home });
    const { dataFolder } = server;
    try {
      expect(dataFolder).toMatch(/^\/var\/lib\/strongroom\/[0-9a-f]{16}\/data$/);
      await prepare(server);
      await query(server, 'CREATE TABLE kept (id int)');
    } finally {
      await server.stop();
    }
    const again = await startPostgres({ home });
    expect(again.dataFolder).toBe(dataFolder);
    expect(await query(again, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
    await expect(removePostgres(home)).rejects.toMatchObject({ code: 'home-in-use' });
    await again.stop();
    await removePostgres(home);
    await expect(stat(join(dataFolder, '..'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(home)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

async function postmasterPidIn(dataFolder: string): Promise<number> {
  return Number((await readFile(join(dataFolder, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** The postmaster, its writers and backends: all work in the data folder. */
function killEverythingIn(dataFolder: string): number {
  const pids = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && worksIn(Number(name), dataFolder) ? [Number(name)] : []));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return pids.length;
}

async function leaveLockOf(other: ChildProcess, server: PostgresServer): Promise<void> {
  const path = join(server.dataFolder, 'postmaster.pid');
  await writeFile(path, [other.pid, server.dataFolder, 1, 5432, server.socketFolder, '', '  5432001         0', 'ready', ''].join('\n'), { mode: 0o600 });
  const { uid, gid } = await stat(server.dataFolder);
  await chown(path, uid, gid);
}

/** The same supervisor in a process of its own, from the sources. */
async function superviseElsewhere(home: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'test', 'supervise.mjs'), home], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => {
      resolve();
    });
    child.once('exit', () => {
      reject(new Error('the supervisor did not start'));
    });
  });
  return child;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}
