import { join } from 'node:path';
import { verifyExport, type ExportVerification } from '@strongroom/tools-development';
import { strongroom, type CliResult } from './cli.js';
import type { Stage } from './stage.js';

/** Takes the log home with the auditor's command. @returns the export's folder, where nothing was before. */
export async function exportLog(stage: Stage, name: string): Promise<string> {
  const folder = join(stage.folder, name);
  const { code, output } = await strongroom(stage.folder, ['audit', 'export', '--server', stage.server, '--out', folder]);
  if (code !== 0) throw new Error(`audit export failed:\n${output}`);
  return folder;
}

/** The auditor's command, believing the genesis digest alone. */
export function auditVerify(stage: Stage, folder: string, ...more: readonly string[]): Promise<CliResult> {
  return strongroom(stage.folder, ['audit', 'verify', folder, '--genesis-digest', stage.genesisDigest, ...more]);
}

/** What the log says, from an export of the auditor's own making, verified. */
export async function statementsOf(stage: Stage, name: string): Promise<ExportVerification> {
  const folder = join(stage.folder, name);
  await stage.platform.people.call('exportLog', folder);
  return verifyExport(folder, stage.platform.installation.founding, new Date());
}
