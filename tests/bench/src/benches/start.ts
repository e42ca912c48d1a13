import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, type Bench } from '../bench.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const LIMIT_SECONDS = 30;

/** The whole main job on a home that holds nothing yet, from a checkout that is installed and built. */
async function mainJob(): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), 'strongroom-bench-'));
  const begun = performance.now();
  const child = spawn('npm', ['start', '--', '--once'], { cwd: ROOT, env: { ...process.env, STRONGROOM_HOME: home, STRONGROOM_PORT: '17080' }, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => { complaint = `${complaint}${chunk.toString()}`.slice(-2000); });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  const seconds = (performance.now() - begun) / 1000;
  await rm(home, { recursive: true, force: true });
  if (code !== 0) throw new Error(`npm start -- --once ended with ${code}: ${complaint}`);
  return seconds;
}

export const startBenches: readonly Bench[] = [
  {
    name: 'start.once',
    async run(progress) {
      progress('npm start -- --once, once');
      return compare(this.name, await mainJob(), 's', { name: 'limit for a warm install', value: LIMIT_SECONDS, unit: 's' });
    },
  },
];
