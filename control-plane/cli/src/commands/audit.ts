import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { ExportCommandOptions } from './audit-export.js';
import type { VerifyCommandOptions } from './audit-verify.js';
import { examples, leaf, serverLeaf, withTrust } from './options.js';

/** `strongroom audit …` */
export function addAuditCommands(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('read, export and verify the audit log');

  examples(
    serverLeaf(audit, 'export', 'download the log with everything that is needed to verify it offline')
      .requiredOption('--out <dir>', 'new or empty folder')
      .option('--documents', 'also download the requests, approvals and manifests behind each release (needs a session)')
      .action(async (options: ExportCommandOptions) => { await (await import('./audit-export.js')).exportCommand(cli, options); }),
    ['strongroom audit export --out ./audit-2026-11', 'strongroom audit export --out ./audit-2026-11 --documents --json'],
  );

  examples(
    withTrust(leaf(audit, 'verify <path>', 'verify an export offline; exit code 0 only if all of it holds'))
      .option('--documents', 'also verify the people behind each release: requests, approvals, roster, manifests')
      .option('--previous <path>', 'earlier checkpoint, or earlier export: this log must continue it')
      .option('--until <instant>', 'the log must reach this instant')
      .addHelpText(
        'after',
        `
Verifies, believing only the pinned genesis digest and the anchors it names: the checkpoint's signature and witnesses, every
tile and entry, the genesis at entry 0, that no event of any chain is left out or changed, what heartbeats commit to, and that each
release stands after its manifest, roster and enclave with the quorum the manifest asks for.
The release policy is not evaluated again: that needs the policy bundle and its engine, which node and releaser use.
A log that is merely old looks whole: give --previous or --until.`,
      )
      .action(async (path: string, options: VerifyCommandOptions) => { await (await import('./audit-verify.js')).verifyCommand(cli, path, options); }),
    [
      'strongroom audit verify ./audit-2026-11 --genesis-digest sha256:4f0c…',
      'strongroom audit verify ./audit-2026-12 --previous ./audit-2026-11 --documents --json',
    ],
  );
}
