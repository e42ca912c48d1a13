import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MALLOC_ENVIRONMENT } from '@strongroom/agent-sealing';
import { compare, type Bench, type BenchRecord, type Figure } from '../bench.js';
import { aesGcmSpeed, sha256Speed } from '../references/openssl.js';
import type { SealingSpeeds } from './sealing-process.js';

interface SealingRun {
  readonly speeds: SealingSpeeds;
  readonly aes: Figure;
  /** What one core can do that enciphers every byte once and digests it twice, with no copy and no file. */
  readonly bound: Figure;
}

type Progress = (message: string) => void;

const GIGABYTES = 'GB/s';
const run = once(measure);

function bench(name: string, record: (run: SealingRun) => [speed: number, reference: Figure]): Bench {
  return {
    name,
    async run(progress): Promise<BenchRecord> {
      const [speed, reference] = record(await run(progress));
      return compare(name, speed, GIGABYTES, reference);
    },
  };
}

export const sealingBenches: readonly Bench[] = [
  bench('sealing.seal', ({ speeds, aes }) => [speeds.seal, aes]),
  bench('sealing.open', ({ speeds, aes }) => [speeds.open, aes]),
  bench('sealing.seal-two-threads', ({ speeds, aes }) => [speeds.sealParallel, aes]),
  bench('sealing.open-two-threads', ({ speeds, aes }) => [speeds.openParallel, aes]),
  bench('sealing.range-read', ({ speeds, aes }) => [speeds.rangeRead, aes]),
  bench('sealing.seal-of-bound', ({ speeds, bound }) => [speeds.seal, bound]),
  bench('sealing.open-of-bound', ({ speeds, bound }) => [speeds.open, bound]),
];

/** The references are taken before and after, and the faster one counts: a busy machine must not flatter us. */
async function measure(progress: Progress): Promise<SealingRun> {
  progress('AES-256-GCM and SHA-256 alone');
  const [aesBefore, shaBefore] = [await aesGcmSpeed(), await sha256Speed()];
  const speeds = await runApart(progress);
  progress('AES-256-GCM and SHA-256 alone, again');
  const aes = faster(aesBefore, await aesGcmSpeed());
  const sha = faster(shaBefore, await sha256Speed());
  const bound = { name: 'AES-256-GCM + 2 × SHA-256, one core', value: 1 / (1 / aes.value + 2 / sha.value), unit: GIGABYTES };
  return { speeds, aes, bound };
}

/** In a process of its own, because glibc reads its settings when a process starts. */
async function runApart(progress: Progress): Promise<SealingSpeeds> {
  const script = fileURLToPath(new URL('./sealing-process.js', import.meta.url));
  const child = spawn(process.execPath, [script], { env: { ...process.env, ...MALLOC_ENVIRONMENT }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.on('message', (message: string | SealingSpeeds) => (typeof message === 'string' ? progress(message) : resolve(message)));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the sealing process ended with ${code} and no result`)));
  });
}

function faster(a: Figure, b: Figure): Figure {
  return a.value >= b.value ? a : b;
}

function once<T>(make: (progress: Progress) => Promise<T>): (progress: Progress) => Promise<T> {
  let made: Promise<T> | undefined;
  return (progress) => (made ??= make(progress));
}
