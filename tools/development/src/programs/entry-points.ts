import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DevelopmentError } from '../errors.js';

const SCRIPTS = {
  server: ['@strongroom/control-plane-server', 'main.js'],
  releaser: ['@strongroom/control-plane-releaser', 'main.js'],
  agent: ['@strongroom/agent-daemon', 'main.js'],
  cli: ['@strongroom/control-plane-cli', 'main.js'],
  people: ['@strongroom/tools-development', 'people/people-process.js'],
} as const;

/** The compiled entry of one of the platform's programs (programs run compiled, even when a test of theirs does not), or undefined where this checkout has none. */
export function findScript(program: keyof typeof SCRIPTS): string | undefined {
  try {
    const [name, entry] = SCRIPTS[program];
    const script = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dist', entry);
    return existsSync(script) ? script : undefined;
  } catch {
    return undefined;
  }
}

/** @throws DevelopmentError `program-missing` */
export function scriptOf(program: keyof typeof SCRIPTS): string {
  const script = findScript(program);
  if (script === undefined) throw new DevelopmentError('program-missing', `${SCRIPTS[program][0]} is not built: run npm run build`);
  return script;
}
