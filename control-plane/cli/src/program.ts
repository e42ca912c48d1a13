import { Command } from 'commander';
import type { Cli } from './cli.js';
import { addAssetCommands, addNodeCommands, addRequestCommands } from './commands/access.js';
import { addAuditCommands } from './commands/audit.js';
import { addOfflineCommands } from './commands/offline.js';
import { addSessionCommands } from './commands/session.js';

const EXIT_CODES = `
Exit codes: 0 done or verified, 1 refused or a check failed, 2 used wrongly, 3 the server cannot be reached.
Sessions and pins are kept in $STRONGROOM_HOME/cli, else in $XDG_STATE_HOME/strongroom/cli (~/.local/state).`;

/** The whole command. Only names and help are here; what a command does is loaded when it runs. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('strongroom')
    .description('Strongroom for approvers and auditors. Signs and verifies on this machine; believes no server.')
    .exitOverride()
    .configureOutput({ writeOut: cli.io.out, writeErr: cli.io.err, getOutHelpWidth: () => 100, getErrHelpWidth: () => 100 })
    .showHelpAfterError('(add --help for how it is used)')
    .addHelpText('after', EXIT_CODES);
  for (const add of [addSessionCommands, addAssetCommands, addNodeCommands, addRequestCommands, addAuditCommands, addOfflineCommands]) add(program, cli);
  return program;
}
