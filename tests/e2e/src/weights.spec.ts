import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateModel } from '@strongroom/agent-sealing';
import type { Ports } from '@strongroom/tools-development';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureBuilt, ROOT } from './support/build.js';
import { freePorts } from './support/ports.js';
import { processesWith, until } from './support/processes.js';
import { SETUP_MS } from './support/stage.js';

const TEST_MS = 180_000;

let folder: string;
let home: string;
let ports: Ports;

beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync('/tmp/sr-e2e-');
  chmodSync(folder, 0o711);
  home = join(folder, 'home');
  ports = await freePorts();
  await generateModel({ folder: join(folder, 'single'), shards: 1, totalBytes: 2 * 1024 * 1024, seed: 'single' });
  await generateModel({ folder: join(folder, 'sharded'), shards: 3, totalBytes: 3 * 1024 * 1024, seed: 'sharded' });
}, SETUP_MS);
afterAll(() => { rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }); });

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** What `npm start -- --once --weights PATH` runs, in a home of its own. */
function startOnce(weights: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const script = join(ROOT, 'tools', 'development', 'dist', 'main.js');
    const env = { PATH: process.env['PATH'], HOME: folder, STRONGROOM_HOME: home, STRONGROOM_PORT: String(ports.people) };
    const child = spawn(process.execPath, [script, 'start', '--once', '--weights', weights], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const pieces: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece));
    // In order first, so that what it started ends with it.
    const timer = setTimeout(() => child.kill('SIGTERM'), TEST_MS - 30_000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(pieces).toString('utf8') });
    });
  });
}

const sealed = (): string[] => (existsSync(join(home, 'sealed')) ? readdirSync(join(home, 'sealed')) : []);

/** No program of this home runs on, holds its lock, or left a socket. */
async function expectNothingLeft(): Promise<void> {
  await until('no program of this home is left', () => processesWith(home).length === 0, 15_000);
  expect(existsSync(join(home, 'launcher.lock'))).toBe(false);
  const { runtimeFolder } = JSON.parse(readFileSync(join(home, 'agents', 'node-1', 'config.json'), 'utf8')) as { runtimeFolder: string };
  expect(existsSync(runtimeFolder)).toBe(false);
}

describe('npm start -- --once --weights', () => {
  it.each([
    ['a single safetensors file', 'single/model.safetensors', 1],
    ['a folder with shards and their index', 'sharded', 3],
  ])('runs the main job on %s', async (_what, path, shards) => {
    const before = sealed();
    const { code, output } = await startOnce(join(folder, path));
    expect(output).toContain('Every step held.');
    expect(code).toBe(0);
    expect(output).toContain(join(folder, path));
    const [asset] = sealed().filter((name) => !before.includes(name));
    expect(readdirSync(join(home, 'sealed', asset ?? ''), { recursive: true }).filter((name) => String(name).endsWith('.sealed'))).toHaveLength(shards);
    await expectNothingLeft();
  }, TEST_MS);

  it('says what is wrong with a broken file, and leaves nothing behind', async () => {
    const broken = join(folder, 'broken.safetensors');
    cpSync(join(folder, 'single', 'model.safetensors'), broken);
    truncateSync(broken, statSync(broken).size - 1000);
    const before = sealed();
    const { code, output } = await startOnce(broken);
    expect(code).toBe(1);
    expect(output).toContain(`${broken} cannot be sealed: `);
    expect(output).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(output).not.toContain('Every step held.');
    expect(sealed()).toEqual(before);
    await expectNothingLeft();
  }, TEST_MS);
});
