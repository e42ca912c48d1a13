import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where sessions, pins and settings are kept: `$STRONGROOM_HOME/cli`, else the XDG state folder. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = env['STRONGROOM_HOME'];
  if (home !== undefined && home !== '') return join(home, 'cli');
  const xdg = env['XDG_STATE_HOME'];
  const state = xdg !== undefined && xdg.startsWith('/') ? xdg : join(env['HOME'] ?? homedir(), '.local', 'state');
  return join(state, 'strongroom', 'cli');
}
