#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { parseArgs } from 'node:util';
import { ReleaserError, type StartFault } from './errors.js';
import { loadConfig, type ReleaserConfig } from './process/config.js';
import { crashPoints } from './process/crash-points.js';
import { inspectorFaults, memoryFaults, type ProcessFacts } from './process/hardening.js';
import { jsonLog, type Log } from './process/log.js';
import { startReleaser } from './start.js';

const now = (): Date => new Date();
const log: Log = jsonLog((line) => process.stderr.write(line), now);

process.title = 'strongroom-releaser';
// Node would open its debugger on this signal; with a listener of our own it does nothing.
process.on('SIGUSR1', () => log('warning', 'SIGUSR1 ignored: this program has no debugger'));

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: true });
  if (values.config === undefined) throw new ReleaserError('config-invalid', 'usage: strongroom-releaser --config FILE');
  const config = await loadConfig(values.config);
  harden(config);
  const end = (): void => {
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way; nothing of the release may run meanwhile.
    for (;;);
  };
  const reach = crashPoints(config.crashPoints ? process.env['STRONGROOM_CRASH_AT'] : undefined, end);
  const releaser = await startReleaser(config, { now, log, reach });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void releaser.close().then(() => log('notice', 'stopped'));
    });
  }
  process.stdout.write(`${JSON.stringify({ ready: true, socket: releaser.socket, profile: config.profile })}\n`);
}

/** @throws ReleaserError `start-refused` */
function harden(config: ReleaserConfig): void {
  // Leaves a dump, should one be made after all (a core pattern that pipes ignores the limit), without any memory in it.
  attempt(() => writeFileSync('/proc/self/coredump_filter', '0'));
  const facts: ProcessFacts = {
    execArgv: process.execArgv,
    nodeOptions: process.env['NODE_OPTIONS'] ?? '',
    inspectorUrl: inspectorUrl(),
    limits: attempt(() => readFileSync('/proc/self/limits', 'utf8')),
    swaps: attempt(() => readFileSync('/proc/swaps', 'utf8')),
  };
  const memory = memoryFaults(facts);
  const refused: StartFault[] = [...inspectorFaults(facts), ...(config.hardening === 'refuse' ? memory : [])];
  if (refused.length > 0) throw new ReleaserError('start-refused', refused.map(({ at, message }) => `${at}: ${message}`).join('; '), { faults: refused });
  for (const { message } of memory) log('warning', message);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

main().catch((error: unknown) => {
  const known = error instanceof ReleaserError;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  log('error', known ? error.message : 'could not start', {
    code: typeof code === 'string' ? code : '',
    ...(known ? { faults: error.faults.map(({ at, message }) => `${at}: ${message}`) } : { error: typeof name === 'string' ? name : '' }),
  });
  process.exitCode = 1;
});
