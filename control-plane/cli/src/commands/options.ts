import type { Command } from 'commander';

export interface CommonOptions {
  readonly json?: boolean;
  readonly server?: string;
}

/** A command that prints a result. */
export function leaf(parent: Command, signature: string, description: string): Command {
  return parent.command(signature).description(description).option('--json', 'print the result as JSON');
}

/** A command that asks a server. */
export function serverLeaf(parent: Command, signature: string, description: string): Command {
  return leaf(parent, signature, description).option('--server <url>', 'address of the server (default: STRONGROOM_SERVER, where you signed in last, or http://localhost:7080)');
}

/** Options of a command that decides whom to believe. */
export function withTrust(command: Command): Command {
  return command
    .option('--genesis-digest <digest>', 'digest of the genesis statement, as you received it out of band')
    .option('--genesis <file>', 'genesis statement (default: the one that comes with the data)')
    .option('--anchors <file>', 'trust anchors (default: the ones that come with the data)')
    .option('--anchors-digest <digest>', 'digest of the trust anchors, where you pin them too');
}

/** As `withTrust`, for what may be judged as of another day. */
export function withTrustAt(command: Command): Command {
  return withTrust(command).option('--at <instant>', 'judge signed documents as of this instant, such as 2027-01-31T00:00:00Z (default: now)');
}

export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}
