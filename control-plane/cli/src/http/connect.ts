import type { Cli } from '../cli.js';
import { stateFolder } from '../state-folder.js';
import { ApiClient } from './api-client.js';
import { serverOf, sessionFor, type KeptSession } from './sessions.js';

export interface Connection {
  readonly api: ApiClient;
  readonly server: URL;
  readonly session: KeptSession;
  readonly state: string;
}

/** A client that speaks for the signed-in person. @throws CliError `not-signed-in` | `server-insecure` | `usage` */
export async function connect({ io }: Cli, options: { readonly server?: string }): Promise<Connection> {
  const state = stateFolder(io.env);
  const server = await serverOf(options.server, io.env, state);
  const session = await sessionFor(server, state, io.now());
  return { api: new ApiClient({ server, token: session.token }), server, session, state };
}
