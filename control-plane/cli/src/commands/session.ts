import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { examples, leaf, serverLeaf, type CommonOptions } from './options.js';
import type { LoginOptions } from './session-commands.js';
import type { PinOptions } from './trust-commands.js';

/** `strongroom login`, `logout`, `whoami` and `trust …` */
export function addSessionCommands(program: Command, cli: Cli): void {
  const commands = () => import('./session-commands.js');
  examples(
    serverLeaf(program, 'login', 'sign in with a sign-in key; the session is kept in a file only you can read')
      .requiredOption('--key <file>', 'Ed25519 sign-in key, PKCS#8 PEM, mode 0600')
      .option('--person <id>', 'who you are (default: the person the roster names with this key)')
      .option('--audience <url>', 'origin the server calls itself by (default: its address)')
      .action(async (options: LoginOptions) => (await commands()).login(cli, options)),
    ['strongroom login --key ~/.strongroom/sign-in-key.pem', 'strongroom login --server https://strongroom.example --key sign-in-key.pem'],
  );
  leaf(program, 'logout', 'end the session').action(async (options: CommonOptions) => (await commands()).logout(cli, options));
  serverLeaf(program, 'whoami', 'who is signed in, with which roles, until when').action(async (options: CommonOptions) => (await commands()).whoami(cli, options));

  const trust = program.command('trust').description('whom this machine believes');
  examples(
    serverLeaf(trust, 'pin', 'pin an installation by its genesis digest, as you received it out of band; nothing is kept unless all fits it')
      .requiredOption('--genesis-digest <digest>', 'sha256:… of the genesis statement')
      .option('--genesis <file>', 'genesis statement (default: asked of the server)')
      .option('--anchors <file>', 'trust anchors (default: asked of the server)')
      .action(async (options: PinOptions) => (await import('./trust-commands.js')).pin(cli, options)),
    ['strongroom trust pin --genesis-digest sha256:4f0c…'],
  );
  leaf(trust, 'show', 'what is pinned, verified again').action(async (options: CommonOptions) => (await import('./trust-commands.js')).showTrust(cli, options));
}
