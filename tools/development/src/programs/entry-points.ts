import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DevelopmentError } from '../errors.js';

const SCRIPTS = {
  server: '@strongroom/control-plane-server',
  releaser: '@strongroom/control-plane-releaser',
  agent: '@strongroom/agent-daemon',
  cli: '@strongroom/control-plane-cli',
} as const;

/** The compiled entry of one of the platform's programs, or undefined where this checkout has none. */
export function findScript(program: keyof typeof SCRIPTS): string | undefined {
  try {
    const script = join(dirname(createRequire(import.meta.url).resolve(`${SCRIPTS[program]}/package.json`)), 'dist', 'main.js');
    return existsSync(script) ? script : undefined;
  } catch {
    return undefined;
  }
}

/** @throws DevelopmentError `program-missing` */
export function scriptOf(program: keyof typeof SCRIPTS): string {
  const script = findScript(program);
  if (script === undefined) throw new DevelopmentError('program-missing', `${SCRIPTS[program]} is not built: run npm run build`);
  return script;
}
