// npm run lint [-- paths]: ESLint with types, the arrows between projects (Nx) and those inside them (dependency-cruiser).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run, setup, SetupError } from './setup.mjs';

const areas = ['attestation', 'policies', 'agent', 'control-plane', 'infra', 'tests', 'tools'];
const bin = (name) => join(root, 'node_modules', '.bin', name);
const env = { ...process.env, NX_DAEMON: 'false' };

/**
 * Boundaries are judged by Nx's graph of projects. Judged by yesterday's graph they let a forbidden import pass, and without
 * one the rule switches itself off: so it is made anew, and it is an error not to have it.
 */
export async function freshProjectGraph() {
  await quietly('nx', ['reset', '--only-workspace-data']);
  await quietly('nx', ['show', 'projects', '--json']);
  if (!existsSync(join(root, '.nx', 'workspace-data', 'project-graph.json'))) throw new SetupError('Nx made no project graph');
}

async function quietly(name, args) {
  const { status, stderr, stdout } = spawnSync(bin(name), args, { cwd: root, env, encoding: 'utf8' });
  if (status !== 0) throw new SetupError(`${name} ${args.join(' ')} failed\n${stdout}${stderr}`);
}

if (import.meta.filename === process.argv[1]) {
  await main(async (paths) => {
    await setup();
    await freshProjectGraph();
    const style = await run(bin('eslint'), ['--max-warnings=0', ...(paths.length > 0 ? paths : ['.'])], { env });
    const order = await run(bin('depcruise'), ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...areas.filter((area) => existsSync(join(root, area)))], { env });
    if (style === 0 && order === 0) console.error('strongroom: lint is clean');
    return style === 0 && order === 0 ? 0 : 1;
  });
}
