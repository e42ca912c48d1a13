import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { VerifyApprovalOptions } from './approval-commands.js';
import { examples, leaf, withTrustAt, type CommonOptions } from './options.js';

/** `strongroom approval …` and `enclave …`: nothing is asked of a server. */
export function addOfflineCommands(program: Command, cli: Cli): void {
  const approval = program.command('approval').description('stored approvals');
  examples(
    withTrustAt(leaf(approval, 'verify <file>', 'verify offline that people of the roster signed: one approval, a list, or a request of an export'))
      .requiredOption('--roster <file>', 'signed roster')
      .action(async (path: string, options: VerifyApprovalOptions) => (await import('./approval-commands.js')).verifyApprovalCommand(cli, path, options)),
    ['strongroom approval verify ./audit-2026-11/requests/0192….json --roster ./audit-2026-11/documents/roster-….json'],
  );
  const enclave = program.command('enclave').description('enclaves as they are declared');
  leaf(enclave, 'show <file>', 'validate a declaration, telling all faults at once, and show what it says').action(async (path: string, options: CommonOptions) => (await import('./enclave-commands.js')).showEnclave(cli, path, options));
}
