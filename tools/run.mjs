// node tools/run.mjs <project> [arguments]: sets the checkout up, then runs the project's program.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './run-program.mjs';
import { main, root, setup, SetupError } from './setup.mjs';

await main(async ([project, ...args]) => {
  if (project === undefined) throw new SetupError('usage: node tools/run.mjs <project> [arguments]');
  await setup();
  const script = join(root, project, 'dist', 'main.js');
  if (!existsSync(script)) throw new SetupError(`${project} has no program (${project}/src/main.ts)`);
  return runProgram(script, args);
});
