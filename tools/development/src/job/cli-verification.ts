import { spawn } from 'node:child_process';
import { z } from 'zod';
import { DevelopmentError } from '../errors.js';
import { childEnvironment } from '../programs/environment.js';
import { findScript } from '../programs/entry-points.js';

const TIMEOUT_MS = 120_000;
const report = z.looseObject({ ok: z.boolean(), finding_count: z.number().optional() });

/**
 * A second opinion by the auditor's own command, where this checkout has it.
 * @returns what to add to the step's line.
 * @throws DevelopmentError `log-unproven` when the command finds anything
 */
export async function verifyWithCli(folder: string, pinned: { readonly anchorsDigest: string; readonly genesisDigest: string }): Promise<string> {
  const script = findScript('cli');
  if (script === undefined) return '';
  const args = ['audit', 'verify', folder, '--genesis-digest', pinned.genesisDigest, '--anchors-digest', pinned.anchorsDigest, '--json'];
  const { code, output, errors } = await run(script, args);
  if (code === 0 && report.safeParse(parse(output)).data?.ok === true) return '; strongroom audit verify agrees';
  throw new DevelopmentError('log-unproven', `strongroom audit verify does not accept the export (code ${code})`, { details: [...errors.split('\n'), ...output.split('\n')].filter((line) => line !== '').slice(0, 12) });
}

function run(script: string, args: readonly string[]): Promise<{ code: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], { env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    const [output, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', () => { resolve({ code: 127, output: '', errors: 'it could not be run' }); });
    child.once('close', (code) => { resolve({ code: code ?? 1, output: Buffer.concat(output).toString('utf8'), errors: Buffer.concat(errors).toString('utf8') }); });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
