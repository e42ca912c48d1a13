// npm start: sets the checkout up, starts the platform in the development profile and runs the main job once.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './run-program.mjs';
import { main, root, setup, SetupError } from './setup.mjs';

const help = `npm start [-- options]

Installs the packages and builds when needed, starts the platform in the development profile
(its own PostgreSQL included) and runs the main job once: weights are sealed, a release is asked for,
approved by two people, logged, and the weights are read on an attested node until the lease lapses.
Then the platform keeps running until Ctrl-C.

Options:
  --once           end after the main job, with exit code 0 when it succeeded
  --weights PATH   safetensors file or folder to protect (default: a model made on the spot)
  --help           show this

STRONGROOM_PORT moves the listeners (people; agents follow). Data stay in .strongroom/.`;

await main(async (args) => {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(help);
    return 0;
  }
  await setup();
  const script = join(root, 'tools', 'development', 'dist', 'main.js');
  if (!existsSync(script)) throw new SetupError('tools/development has no program');
  return runProgram(script, ['start', ...args]);
});
