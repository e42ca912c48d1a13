import { join } from 'node:path';
import { CliError } from '../errors.js';
import { jsonFile, parseJson, readPrivate, writeWhole } from '../files.js';
import { DEFAULT_SERVER, parseServerUrl } from './server-url.js';

/** One signed-in person at one server. */
export interface KeptSession {
  readonly server: string;
  readonly token: string;
  readonly person: string;
  /** RFC 3339. */
  readonly expires_at: string;
}

function sessionPath(state: string): string {
  return join(state, 'session.json');
}

/** The session kept last, expired or not. Refuses a file that others can read. @throws CliError `file-*` */
export async function readSession(state: string): Promise<KeptSession | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readPrivate(sessionPath(state));
  } catch (error) {
    if (error instanceof CliError && error.code === 'file-missing') return undefined;
    throw error;
  }
  const value = parseJson(bytes, sessionPath(state));
  bytes.fill(0);
  const { server, token, person, expires_at } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof KeptSession, unknown>>;
  if (typeof server !== 'string' || typeof token !== 'string' || typeof person !== 'string' || typeof expires_at !== 'string') {
    throw new CliError('file-malformed', 'the kept session is malformed', { remedy: 'sign in again: strongroom login' });
  }
  return { server: parseServerUrl(server).origin, token, person, expires_at };
}

export async function keepSession(state: string, session: KeptSession): Promise<void> {
  await writeWhole(sessionPath(state), jsonFile(session), 0o600);
}

export async function forgetSession(state: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  await rm(sessionPath(state), { force: true });
}

/** The server named, else `STRONGROOM_SERVER`, else where the person signed in last, else this machine's. */
export async function serverOf(named: string | undefined, env: Readonly<Record<string, string | undefined>>, state: string): Promise<URL> {
  const text = named ?? env['STRONGROOM_SERVER'];
  if (text !== undefined && text !== '') return parseServerUrl(text);
  return parseServerUrl((await readSession(state))?.server ?? DEFAULT_SERVER);
}

/** @throws CliError `not-signed-in`, also where the session is of another server or over */
export async function sessionFor(server: URL, state: string, now: Date): Promise<KeptSession> {
  const session = await readSession(state);
  const remedy = 'strongroom login --key FILE';
  if (session === undefined || session.server !== server.origin) throw new CliError('not-signed-in', `nobody is signed in at ${server.origin}`, { remedy });
  if (!(now.getTime() < Date.parse(session.expires_at))) throw new CliError('not-signed-in', 'the session has expired', { remedy });
  return session;
}
