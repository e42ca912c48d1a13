import { resolve } from 'node:path';
import type { Terminal } from './console/progress-bar.js';
import { describeFailure, StepPrinter } from './console/step-printer.js';
import { MAIN_JOB_STEPS, runMainJob } from './job/main-job.js';
import { startDevelopmentPlatform, type DevelopmentPlatform } from './platform/development-platform.js';
import { portsOf } from './platform/ports.js';

export interface StartOptions {
  readonly once: boolean;
  readonly weights: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly terminal: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
}

const INTERRUPTED = 130;

/**
 * Starts the platform, runs the main job, then ends (`once`) or stays until a signal.
 * @returns the exit code: 0 when every step held.
 */
export async function start(options: StartOptions): Promise<number> {
  const printer = new StepPrinter(terminalOf(options.terminal), MAIN_JOB_STEPS);
  const interruption = listenForSignals();
  const home = resolve(options.environment['STRONGROOM_HOME'] ?? '.strongroom');
  const weights = options.weights === undefined ? undefined : resolve(options.weights);
  const ports = portsOf(options.environment);
  printer.heading(`Strongroom, development profile, in ${home}`);
  const starting = startDevelopmentPlatform({ home, ports, say: (event) => { printer.event(event); } });
  const platform = await Promise.race([starting, interruption.signal]);
  if (platform === 'interrupted') {
    printer.line('stopping …');
    printer.hush();
    await starting.then((started) => started.stop(), () => undefined);
    return INTERRUPTED;
  }
  try {
    return await serve(platform, printer, { ...options, weights }, interruption.signal);
  } finally {
    printer.line('stopping …');
    printer.hush();
    await platform.stop();
    interruption.dispose();
  }
}

async function serve(platform: DevelopmentPlatform, printer: StepPrinter, { once, weights }: StartOptions, signal: Promise<'interrupted'>): Promise<number> {
  tellFound(platform, printer);
  printer.heading('Main job');
  const job = runMainJob(platform, printer, { weights });
  // Where something else ends first, the job's own failure is no news.
  job.catch(() => undefined);
  let exportFolder: string;
  try {
    const ended = await Promise.race([job, platform.failure, signal]);
    if (ended === 'interrupted') return INTERRUPTED;
    exportFolder = ended.exportFolder;
  } catch (error) {
    for (const line of describeFailure(error)) printer.line(`  ${line}`);
    printer.line(`\nThe main job did not hold. What the programs said is in ${platform.home.logs}`);
    return 1;
  }
  printer.line(`\nEvery step held.`);
  if (once) return 0;
  tellServing(platform, exportFolder, printer);
  try {
    await Promise.race([platform.failure, signal]);
    return 0;
  } catch (error) {
    for (const line of describeFailure(error)) printer.line(line);
    return 1;
  }
}

function tellFound({ found }: DevelopmentPlatform, printer: StepPrinter): void {
  if (!found.before) return;
  const last = found.assets.at(-1);
  printer.event({ kind: 'note', text: `found from before: ${found.assets.length} asset${found.assets.length === 1 ? '' : 's'}${last === undefined ? '' : `, the latest ${last.id}`}; log of ${found.logSize} entries` });
}

function tellServing({ ports, home, installation }: DevelopmentPlatform, exportFolder: string, printer: StepPrinter): void {
  printer.heading('The platform keeps running; Ctrl-C ends it');
  printer.line(`  people      http://localhost:${ports.people}        (routes: http://localhost:${ports.people}/openapi.json)`);
  printer.line(`  approvals   http://approve.localhost:${ports.people}`);
  printer.line(`  agents      https://localhost:${ports.agents} (mutual TLS)`);
  printer.line(`  log         http://localhost:${ports.people}/log/checkpoint`);
  printer.line(`  kept in     ${home.root}, what the programs say in ${home.logs}`);
  printer.line('  try         npm run strongroom -- --help');
  printer.line(`              npm run strongroom -- audit verify ${exportFolder} --genesis-digest ${installation.founding.genesisDigest}`);
}

function terminalOf(stream: StartOptions['terminal']): Terminal {
  return { isTTY: stream.isTTY === true, get columns() { return stream.columns ?? 80; }, write: (text) => void stream.write(text) };
}

/** The first signal asks to stop in order; a second one is not waited for. */
function listenForSignals(): { readonly signal: Promise<'interrupted'>; dispose(): void } {
  let interrupt: (value: 'interrupted') => void = () => undefined;
  const signal = new Promise<'interrupted'>((resolve) => { interrupt = resolve; });
  let asked = false;
  const onSignal = (): void => {
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    interrupt('interrupted');
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return { signal, dispose: () => { for (const name of names) process.off(name, onSignal); } };
}
