import { CommanderError } from 'commander';
import { Cli, type Io } from './cli.js';
import { CliError, EXIT, ServerProblem } from './errors.js';
import { problemText } from './http/problem.js';
import { buildProgram } from './program.js';
import { safeJson, shown } from './terminal/text.js';

/** Runs one command. @param args without node and script. @returns the exit code; nothing is thrown */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const cli = new Cli(io);
  try {
    await buildProgram(cli).parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return refuse(error, io, args.includes('--json'));
  }
}

function refuse(error: unknown, io: Io, json: boolean): number {
  if (error instanceof ServerProblem) {
    io.err(json ? `${safeJson({ ok: false, ...error.problem })}\n` : `${problemText(error.problem)}\n`);
    return error.exitCode;
  }
  const { code, remedy, exitCode } = describe(error);
  const message = error instanceof Error ? error.message : 'unknown';
  if (json) io.err(`${safeJson({ ok: false, code, detail: message, ...(remedy === undefined ? {} : { remedy }) })}\n`);
  else io.err(`${code}: ${shown(message)}\n${remedy === undefined ? '' : `  remedy: ${shown(remedy)}\n`}`);
  return exitCode;
}

/** Errors of the packages below carry a stable kebab-case code; whatever has none is a defect of ours. */
function describe(error: unknown): { code: string; remedy: string | undefined; exitCode: number } {
  if (error instanceof CliError) return { code: error.code, remedy: error.remedy, exitCode: error.exitCode };
  const code = (error as { code?: unknown } | undefined)?.code;
  return { code: typeof code === 'string' && /^[a-z]+(?:-[a-z0-9]+)+$/.test(code) ? code : 'defect', remedy: undefined, exitCode: EXIT.refused };
}
