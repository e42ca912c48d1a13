import { httpApi } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError, ServerProblem } from '../errors.js';
import { ApiClient } from '../http/api-client.js';
import { connect } from '../http/connect.js';
import { forgetSession, keepSession, readSession, serverOf } from '../http/sessions.js';
import { parseServerUrl } from '../http/server-url.js';
import { readEd25519Key } from '../people/private-key.js';
import { personOfKey, signInAssertion } from '../people/sign-in.js';
import { stateFolder } from '../state-folder.js';
import { fields } from '../terminal/table.js';
import type { CommonOptions } from './options.js';

export type LoginOptions = CommonOptions & { readonly key: string; readonly person?: string; readonly audience?: string };

export async function login(cli: Cli, options: LoginOptions): Promise<void> {
  const { io } = cli;
  const state = stateFolder(io.env);
  const server = await serverOf(options.server, io.env, state);
  const api = new ApiClient({ server });
  const key = await readEd25519Key(options.key);
  const person = options.person ?? personOfKey(key, (await api.get('/v1/documents', httpApi.documentBundle)).roster);
  const audience = options.audience === undefined ? server.origin : parseServerUrl(options.audience).origin;
  const assertion = signInAssertion(key, { person, audience, now: io.now(), random: io.random });
  const session = await api.send('POST', '/v1/sessions', { assertion }, httpApi.session);
  if (session.token === undefined || session.person !== person) throw new CliError('server-answer-malformed', 'the server opened a session for somebody else');
  await keepSession(state, { server: server.origin, token: session.token, person, expires_at: session.expires_at });
  const { token: _, ...about } = session;
  cli.print(options, { server: server.origin, ...about }, () => sessionText({ server: server.origin, ...about }));
}

/** Ends the session at the server, and forgets it here whatever the server says. */
export async function logout(cli: Cli, options: CommonOptions): Promise<void> {
  const state = stateFolder(cli.io.env);
  const session = await readSession(state);
  if (session !== undefined) {
    await forgetSession(state);
    await new ApiClient({ server: parseServerUrl(session.server), token: session.token }).json('DELETE', '/v1/sessions/current').catch((error: unknown) => {
      // Over already: that is what was wanted.
      if (!(error instanceof ServerProblem && error.problem.status === 401)) throw error;
    });
  }
  cli.print(options, { signed_out: session !== undefined }, () => (session === undefined ? 'nobody was signed in' : 'signed out'));
}

export async function whoami(cli: Cli, options: CommonOptions): Promise<void> {
  const { api, server } = await connect(cli, options);
  const { token: _, ...about } = await api.get('/v1/sessions/current', httpApi.session);
  cli.print(options, { server: server.origin, ...about }, () => sessionText({ server: server.origin, ...about }));
}

function sessionText(session: { server: string; person: string; roles: readonly string[]; expires_at: string }): string {
  return fields([['server', session.server], ['person', session.person], ['roles', session.roles.join(', ')], ['session until', session.expires_at]]);
}
