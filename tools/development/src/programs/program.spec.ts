import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startOf } from '../home/home-lock.js';
import { scratch } from '../testing/scratch.js';
import { childEnvironment } from './environment.js';
import { Guardian } from './guardian.js';
import { Program, type ProgramOptions } from './program.js';

describe('a program', () => {
  const folder = scratch();
  const guardians: Guardian[] = [];
  afterEach(() => {
    for (const guardian of guardians.splice(0)) guardian.dismiss();
  });

  function program(source: string, more: Partial<ProgramOptions> = {}) {
    const at = folder();
    const script = join(at, 'program.mjs');
    writeFileSync(script, source);
    const guardian = new Guardian();
    guardians.push(guardian);
    return new Program({ name: 'the program', script, args: [], logFile: join(at, 'program.log'), guardian, isReady: (line) => line === 'ready', ...more });
  }

  const SERVES = `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready');`;

  it('is waited for, logged, without core dumps, and ended when asked', async () => {
    const served = program(`import { readFileSync } from 'node:fs'; console.log(readFileSync('/proc/self/limits', 'utf8').split('\\n').find((l) => l.startsWith('Max core'))); console.error('a fault');${SERVES}`);
    await served.start();
    expect(served.running).toBe(true);
    await expect(served.stop()).resolves.toEqual({ code: 0, signal: null, asked: true });
    const log = readFileSync(served.logFile, 'utf8');
    expect(log).toContain('a fault');
    expect(log).toMatch(/Max core file size\s+0\s/);
    expect(statSync(served.logFile).mode & 0o077).toBe(0);
    await served.start();
    expect(served.running).toBe(true);
    await served.stop();
  });

  it('that ends before it serves is told with its last words', async () => {
    const broken = program(`console.error('config is bad'); process.exit(3);`);
    await expect(broken.start()).rejects.toMatchObject({ code: 'program-ended', message: expect.stringContaining('with code 3'), details: expect.arrayContaining(['config is bad']) });
  });

  it('that does not come up in time is ended', async () => {
    const slow = program('setInterval(() => {}, 1000);', { readyTimeoutMs: 150 });
    await expect(slow.start()).rejects.toMatchObject({ code: 'program-slow' });
    expect(slow.running).toBe(false);
  });

  it('that ignores being asked is ended all the same', async () => {
    const stubborn = program(`process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000);`, { stopTimeoutMs: 150 });
    await stubborn.start();
    await expect(stubborn.stop()).resolves.toMatchObject({ signal: 'SIGKILL', asked: true });
  });

  it('that dies by itself was not asked to', async () => {
    const dying = program(`console.log('ready'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);`);
    await dying.start();
    const exit = await dying.exited;
    expect(exit).toMatchObject({ signal: 'SIGKILL', asked: false });
    expect(dying.ended(exit).message).toContain('by SIGKILL');
  });

  it('gets nothing of the launcher’s environment but what every program needs', () => {
    const own = { PATH: '/bin', HOME: '/home/a', DATABASE_URL: 'postgres://', STRONGROOM_PORT: '1', NODE_OPTIONS: '--inspect', AWS_SECRET_ACCESS_KEY: 'x' };
    expect(childEnvironment({ STRONGROOM_CRASH_AT: 'x', UNSET: undefined }, own)).toEqual({ PATH: '/bin', HOME: '/home/a', STRONGROOM_CRASH_AT: 'x' });
  });
});

describe('the guardian', () => {
  const folder = scratch();

  it('ends a program whose launcher was killed', async () => {
    const at = folder();
    for (const name of ['guardian', 'environment']) writeFileSync(join(at, `${name}.js`), compiled(join(import.meta.dirname, `${name}.ts`)));
    writeFileSync(join(at, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(at, 'launcher.js'),
      `import { spawn } from 'node:child_process';
       import { Guardian } from './guardian.js';
       const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
       new Guardian().watch(child);
       console.log(child.pid);
       setInterval(() => {}, 1000);`,
    );
    const launcher = spawn(process.execPath, [join(at, 'launcher.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => launcher.stdout.once('data', (data: Buffer) => { resolve(Number(data.toString())); }));
    expect(startOf(pid)).toBeDefined();
    launcher.kill('SIGKILL');
    const deadline = Date.now() + 10_000;
    while (startOf(pid) !== undefined && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(startOf(pid)).toBeUndefined();
  });
});

function compiled(file: string): string {
  return transformSync(readFileSync(file, 'utf8'), { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }).code;
}
