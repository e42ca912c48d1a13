import { exportLog } from '../audit/export-log.js';
import type { Cli } from '../cli.js';
import { ApiClient } from '../http/api-client.js';
import { serverOf, sessionFor } from '../http/sessions.js';
import { stateFolder } from '../state-folder.js';
import { fields } from '../terminal/table.js';
import { shown } from '../terminal/text.js';
import type { CommonOptions } from './options.js';

export type ExportCommandOptions = CommonOptions & { readonly out: string; readonly documents?: boolean };

export async function exportCommand(cli: Cli, options: ExportCommandOptions): Promise<void> {
  const { io } = cli;
  const state = stateFolder(io.env);
  const server = await serverOf(options.server, io.env, state);
  const documents = options.documents === true;
  const token = documents ? (await sessionFor(server, state, io.now())).token : undefined;
  const summary = await exportLog(new ApiClient({ server, token }), { out: options.out, documents, now: io.now() });
  cli.print(options, summary, () => {
    const lines = fields([
      ['entries', summary.size],
      ['log files', summary.log_files],
      ['documents', summary.documents],
      ['requests', documents ? summary.requests : undefined],
    ]);
    return `${lines}\nNothing of it is verified yet: strongroom audit verify ${shown(options.out)}${documents ? ' --documents' : ''}`;
  });
}
