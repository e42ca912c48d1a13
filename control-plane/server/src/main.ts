#!/usr/bin/env node
import 'reflect-metadata';
import { StrongroomError } from './platform/errors.js';
import { startServer } from './server.js';

// Node opens its debugger on SIGUSR1, and this process holds the keys of log, certificates and results.
process.on('SIGUSR1', () => { process.stderr.write('strongroom: SIGUSR1 ignored: this program has no debugger\n'); });

const configFile = process.argv[2] ?? process.env['STRONGROOM_CONFIG'] ?? '.strongroom/config.json';

try {
  const server = await startServer(configFile, process.env);
  process.stdout.write(`strongroom: people on http://localhost:${server.peoplePort}, agents on https://localhost:${server.agentsPort}\n`);
  const stop = () => {
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`strongroom cannot start: ${error instanceof StrongroomError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
