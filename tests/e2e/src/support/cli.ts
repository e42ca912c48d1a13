import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './build.js';

export interface CliResult {
  readonly code: number;
  readonly output: string;
}

const TIMEOUT_MS = 90_000;

/** Runs the compiled `strongroom` command, with nothing of whoever runs the tests. @param home its own folder. */
export function strongroom(home: string, args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    const script = join(ROOT, 'control-plane', 'cli', 'dist', 'main.js');
    const env = { PATH: process.env['PATH'], HOME: home };
    execFile(process.execPath, [script, ...args], { env, timeout: TIMEOUT_MS, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: `${stdout}${stderr}` });
    });
  });
}
