#!/usr/bin/env node
import { Command } from 'commander';
import pc from 'picocolors';
import { uuidv7 } from 'uuidv7';
import { Agent } from './agent.js';
import { loadAgentConfig } from './agent-config.js';
import type { AgentEvent } from './events.js';
import { refuseDebugger } from './hardening.js';
import { PinnedTrust } from './pinned-trust.js';
import { sealAsset } from './sealing-job.js';
import { StateFolder } from './state-folder.js';

refuseDebugger(() => { process.stderr.write('strongroom-agent: SIGUSR1 ignored: this program has no debugger\n'); });

interface Common {
  readonly config: string;
  readonly json?: boolean;
}

function reporter(json: boolean | undefined): (event: AgentEvent) => void {
  if (json === true) return (event) => { process.stdout.write(`${JSON.stringify(event)}\n`); };
  return ({ event, ...rest }) => { process.stdout.write(`${event === 'refused' ? pc.red(event) : pc.green(event)} ${JSON.stringify(rest)}\n`); };
}

/** Runs one job on a started agent, and closes the agent whatever happens. */
async function withAgent(options: Common, job: (agent: Agent, stop: AbortSignal) => Promise<void>): Promise<void> {
  const report = reporter(options.json);
  const stop = new AbortController();
  process.once('SIGTERM', () => { stop.abort(); });
  process.once('SIGINT', () => { stop.abort(); });
  const agent = await Agent.start(loadAgentConfig(options.config), report);
  try {
    await job(agent, stop.signal);
  } finally {
    await agent.close();
  }
}

const program = new Command('strongroom-agent').description('A node of Strongroom: proves what it runs, opens what it was granted, wipes when the lease ends.').version('0.1.0');
const withCommon = (command: Command): Command => command.requiredOption('--config <file>', 'configuration of this node (JSON)').option('--json', 'one JSON object a line');

withCommon(program.command('identity')).description('print who this machine is: hardware id, attestation key, measurement').action((options: Common) => withAgent(options, () => Promise.resolve()));
withCommon(program.command('enrol')).description('prove to be the registered machine and take a certificate').action((options: Common) => withAgent(options, (agent) => agent.enrol()));
withCommon(program.command('attest')).description('send fresh evidence and print the verifier’s result').action((options: Common) => withAgent(options, (agent) => agent.attest()));
withCommon(program.command('run'))
  .description('open granted requests and keep their leases until stopped (alias: open)')
  .alias('open')
  .option('--enrol', 'enrol and attest first')
  .action((options: Common & { enrol?: boolean }) =>
    withAgent(options, async (agent, stop) => {
      if (options.enrol === true) {
        await agent.enrol();
        await agent.attest();
      }
      await agent.run(stop);
    }),
  );

interface SealOptions extends Common {
  readonly source: string;
  readonly name: string;
  readonly class: string;
  readonly owner: string;
  readonly enclave: string;
  readonly environment: readonly string[];
  readonly days: string;
  readonly asset?: string;
}

withCommon(program.command('seal'))
  .description('seal safetensors weights and draft their custody manifest')
  .requiredOption('--source <path>', 'one .safetensors file, or a folder with shards and their index')
  .requiredOption('--name <text>', 'name of the asset')
  .requiredOption('--enclave <id>', 'enclave whose key service wraps the shard keys')
  .requiredOption('--environment <name...>', 'reference environments the manifest allows')
  .option('--class <name>', 'class of the asset', 'weights')
  .option('--owner <name>', 'owning team', 'research')
  .option('--asset <uuid>', 'id of the asset; a new one by default')
  .option('--days <n>', 'days the manifest is valid', '365')
  .action(async (options: SealOptions) => {
    const config = loadAgentConfig(options.config);
    const trust = PinnedTrust.load(config, new StateFolder(config.stateFolder), new Date());
    await sealAsset({
      source: options.source,
      weightsFolder: config.weightsFolder,
      anchors: trust.anchors.value,
      asset: { id: options.asset ?? uuidv7(), name: options.name, class: options.class, owner: options.owner },
      enclave: options.enclave,
      environments: options.environment,
      validDays: Number(options.days),
      concurrency: 2,
      now: new Date(),
      report: reporter(options.json),
    });
  });

try {
  await program.parseAsync();
} catch (error) {
  const code = (error as { code?: unknown }).code;
  const message = error instanceof Error ? error.message : String(error);
  const json = process.argv.includes('--json');
  process.stderr.write(json ? `${JSON.stringify({ error: typeof code === 'string' ? code : 'defect', message })}\n` : `strongroom-agent: ${message}\n`);
  process.exitCode = 1;
}
