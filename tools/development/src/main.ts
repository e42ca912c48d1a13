#!/usr/bin/env node
import { HELP, parseArguments } from './arguments.js';
import { describeFailure } from './console/step-printer.js';
import { start } from './start.js';

process.title = 'strongroom-development';
try {
  const parsed = parseArguments(process.argv.slice(2));
  if (parsed.command === 'help') process.stdout.write(`${HELP}\n`);
  else process.exitCode = await start({ ...parsed, environment: process.env, terminal: process.stdout });
} catch (error) {
  for (const line of describeFailure(error)) process.stderr.write(`strongroom: ${line}\n`);
  process.exitCode = 1;
}
