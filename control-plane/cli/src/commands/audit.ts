import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { EntriesOptions } from './audit-entries.js';
import type { ExportCommandOptions } from './audit-export.js';
import type { ProofOptions, VerifyProofOptions } from './audit-proof.js';
import type { VerifyCommandOptions } from './audit-verify.js';
import { examples, leaf, serverLeaf, withTrustAt } from './options.js';

/** `strongroom audit …` */
export function addAuditCommands(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('read, export and verify the audit log');

  serverLeaf(audit, 'entries', 'entries as the server tells them; not verified')
    .option('--chain <chain>', 'only this history, such as weights/<asset>, request/<id>, node/<id>, policy')
    .option('--class <uid>', 'only this OCSF class, such as 6005')
    .option('--after <index>', 'entries after this one')
    .option('--limit <n>', 'at most so many, up to 500', '100')
    .action(async (options: EntriesOptions) => (await import('./audit-entries.js')).entriesCommand(cli, options));

  examples(
    serverLeaf(audit, 'export', 'download the log with everything that is needed to verify it offline')
      .requiredOption('--out <dir>', 'new or empty folder')
      .option('--documents', 'also download the requests, approvals and manifests behind each release (needs a session)')
      .action(async (options: ExportCommandOptions) => { await (await import('./audit-export.js')).exportCommand(cli, options); }),
    ['strongroom audit export --out ./audit-2026-11', 'strongroom audit export --out ./audit-2026-11 --documents --json'],
  );

  examples(
    withTrustAt(leaf(audit, 'verify <path>', 'verify an export offline; exit code 0 only if all of it holds'))
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

  examples(
    serverLeaf(audit, 'proof <index>', 'write a .tlog-proof (c2sp.org/tlog-proof) of one entry')
      .requiredOption('--out <file>', 'new file for the proof')
      .option('--entry <file>', 'new file for the entry itself')
      .option('--export <dir>', 'take it from an export instead of the server')
      .action(async (index: string, options: ProofOptions) => (await import('./audit-proof.js')).proofCommand(cli, index, options)),
    ['strongroom audit proof 4711 --out 4711.tlog-proof --entry 4711.json'],
  );
  examples(
    withTrustAt(leaf(audit, 'verify-proof <file>', 'verify offline that the log holds an entry'))
      .requiredOption('--entry <file>', 'the entry, byte for byte')
      .action(async (path: string, options: VerifyProofOptions) => (await import('./audit-proof.js')).verifyProofCommand(cli, path, options)),
    ['strongroom audit verify-proof 4711.tlog-proof --entry 4711.json'],
  );
}
