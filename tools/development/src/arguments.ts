import { parseArgs } from 'node:util';
import { DevelopmentError } from './errors.js';

export type Arguments = { readonly command: 'help' } | { readonly command: 'start'; readonly once: boolean; readonly weights: string | undefined };

export const HELP = `strongroom development platform

usage: start [--once] [--weights PATH] [--help]

Starts the platform in the development profile (its own PostgreSQL included) and runs the main job once: weights are sealed,
access is asked for and approved by two people, a key is released, the weights are read on an attested node, and wiped.
Then the platform keeps running until Ctrl-C.

  --once           end after the main job, with exit code 0 when every step held
  --weights PATH   safetensors file or folder to protect (default: a model made on the spot)
  --help           show this

STRONGROOM_HOME is where everything is kept (default .strongroom in the working folder).
STRONGROOM_PORT moves the listeners: people to it, agents to the next one (default 7080 and 7443).`;

/** @throws DevelopmentError `usage` */
export function parseArguments(argv: readonly string[]): Arguments {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      strict: true,
      options: { once: { type: 'boolean', default: false }, weights: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    });
  } catch (cause) {
    throw new DevelopmentError('usage', `${cause instanceof Error ? cause.message.split('. ', 1)[0] ?? '' : 'arguments cannot be read'}; see --help`, { cause });
  }
  const { values, positionals } = parsed;
  if (values.help) return { command: 'help' };
  if (positionals.length > 1 || (positionals[0] ?? 'start') !== 'start') throw new DevelopmentError('usage', `there is no "${positionals.join(' ')}": the command is start; see --help`);
  if (values.weights === '') throw new DevelopmentError('usage', '--weights needs a path; see --help');
  return { command: 'start', once: values.once, weights: values.weights };
}
