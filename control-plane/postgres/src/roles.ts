import { Client } from 'pg';
import { PostgresError } from './errors.js';
import { scramVerifier, type PasswordFolder } from './passwords.js';

/** How a role reaches a database; the shape node-postgres and TypeORM take. */
export interface PostgresConnection {
  /** The socket's folder. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The roles of the two programs that use the database. */
export const serverRole = 'strongroom_server';
export const releaserRole = 'strongroom_releaser';

/** Runs `work` on one connection, which is closed afterwards whatever happens. */
export async function withClient<T>(connection: PostgresConnection, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...connection });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Makes the role, able to log in and nothing else, or gives an existing one the password kept for it. */
export async function ensureRole(admin: Client, passwords: PasswordFolder, role: string): Promise<void> {
  const name = identifier(role);
  const verifier = scramVerifier(await passwords.ensure(role));
  const { rowCount } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  const rights = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
  await admin.query(`${verb} ROLE ${name} ${rights} PASSWORD '${verifier}'`);
}

/** Makes the database when it is missing. It belongs to the administrator: an owner could drop it, other schemas included. */
export async function ensureDatabase(admin: Client, database: string): Promise<void> {
  const name = identifier(database);
  const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [database]);
  if (rowCount === 0) await admin.query(`CREATE DATABASE ${name}`);
}

/** Lets `owner`, and nobody it does not name, use the database and own its schema `public`. `admin` is connected to it. */
export async function grantDatabase(admin: Client, database: string, owner: string): Promise<void> {
  const [name, role] = [identifier(database), identifier(owner)];
  await admin.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await admin.query(`GRANT CONNECT, TEMPORARY, CREATE ON DATABASE ${name} TO ${role}`);
  await admin.query(`ALTER SCHEMA public OWNER TO ${role}`);
  await admin.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
}

/**
 * A schema that only `owner` can use, and that its sessions search alone: a function planted in `public` by that schema's
 * owner is never called by accident. Tables of `public` are named in full, once their owner has granted them.
 */
export async function ensureSchema(admin: Client, database: string, schema: string, owner: string): Promise<void> {
  const [name, space, role] = [identifier(database), identifier(schema), identifier(owner)];
  await admin.query(`CREATE SCHEMA IF NOT EXISTS ${space} AUTHORIZATION ${role}`);
  await admin.query(`ALTER SCHEMA ${space} OWNER TO ${role}`);
  await admin.query(`REVOKE ALL ON SCHEMA ${space} FROM PUBLIC`);
  await admin.query(`GRANT CONNECT, TEMPORARY ON DATABASE ${name} TO ${role}`);
  await admin.query(`ALTER ROLE ${role} IN DATABASE ${name} SET search_path = ${space}`);
}

/**
 * The name as SQL. Only plain lower-case names pass, so nothing ever needs escaping.
 *
 * @throws PostgresError `name-malformed`
 */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new PostgresError('name-malformed', 'a role, database or schema is named by up to 63 of a-z, 0-9 and _');
  }
  return `"${name}"`;
}
