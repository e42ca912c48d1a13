#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { runCli } from './run-cli.js';

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  now: () => new Date(),
  random: (length) => new Uint8Array(randomBytes(length)),
  confirm: async (question) => (await import('./terminal/confirm.js')).confirm(question),
});
