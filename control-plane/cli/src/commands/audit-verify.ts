import { stat } from 'node:fs/promises';
import { EXPORT, ExportFolder } from '../audit/export-folder.js';
import { verifyExport, type AuditReport } from '../audit/verify-export.js';
import type { Cli } from '../cli.js';
import { CliError, EXIT } from '../errors.js';
import { readBounded } from '../files.js';
import { stateFolder } from '../state-folder.js';
import { fields } from '../terminal/table.js';
import { shown } from '../terminal/text.js';
import { resolveTrust, type TrustOptions } from '../trust/trust.js';
import { parseInstant } from './instant.js';
import type { CommonOptions } from './options.js';

export type VerifyCommandOptions = CommonOptions & TrustOptions & { at?: string; documents?: boolean; previous?: string; until?: string };

export async function verifyCommand(cli: Cli, path: string, options: VerifyCommandOptions): Promise<void> {
  const { io } = cli;
  const now = options.at === undefined ? io.now() : parseInstant(options.at, '--at');
  const until = options.until === undefined ? undefined : parseInstant(options.until, '--until');
  const folder = await ExportFolder.open(path);
  const beside = { anchors: await folder.document(EXPORT.anchors), genesis: await folder.document(EXPORT.genesis) };
  const { anchors, genesis } = await resolveTrust(options, beside, stateFolder(io.env), now);
  if (genesis === undefined) throw new CliError('trust-not-pinned', 'a whole log is verified against its pinned genesis', { remedy: 'give --genesis-digest sha256:…' });
  const previous = options.previous === undefined ? undefined : await readCheckpoint(options.previous);
  const report = await verifyExport(folder, { anchors, genesis }, {
    documents: options.documents === true,
    now,
    ...(previous === undefined ? {} : { previous }),
    ...(until === undefined ? {} : { until }),
  });
  if (!report.ok) cli.exitCode = EXIT.refused;
  cli.print(options, report, () => reportText(report));
}

async function readCheckpoint(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true ? (await ExportFolder.open(path)).checkpoint() : readBounded(path, 1 << 20);
}

function reportText({ ok, findings, finding_count, summary }: AuditReport): string {
  const head = fields([
    ['log', summary.origin],
    ['profile', `${summary.profile}${summary.profile === 'development' ? ' (nothing in it protects real weights)' : ''}`],
    ['tenant', summary.tenant],
    ['genesis', summary.genesis_digest],
    ['entries', summary.size],
    ['root hash', summary.root_hash === '' ? undefined : summary.root_hash],
    ['witnesses', `${summary.witnesses.cosigned} cosigned, ${summary.witnesses.required} required`],
    ['files recomputed', summary.files_verified],
    ['chains', summary.chains],
    ['heartbeats', summary.heartbeats],
    ['manifests', summary.manifests],
    ['releases', summary.releases],
    ['approvals verified', summary.approvals_verified ?? 'not asked for (--documents)'],
    ['policy decided again', 'no (node and releaser do; this command has no policy engine)'],
    ['last entry at', summary.last_logged_at ?? undefined],
  ]);
  const lines = findings.map(({ code, message, index }) => `  ${code}${index === undefined ? '' : ` at entry ${index}`}: ${shown(message)}`);
  const more = finding_count > findings.length ? [`  and ${finding_count - findings.length} more`] : [];
  return [head, '', ok ? 'VERIFIED: all of it holds' : `REFUSED: ${finding_count} finding${finding_count === 1 ? '' : 's'}`, ...lines, ...more].join('\n');
}
