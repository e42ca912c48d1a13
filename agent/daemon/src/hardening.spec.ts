import { execFile } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { assertHardened, preloadsOf, processState, refuseDebugger } from './hardening.js';

const safe = { inspector: false, coreLimitBytes: 0, swap: false, preloads: [] } as const;

describe('assertHardened', () => {
  it('has nothing to say of a process that leaves nothing behind', () => {
    expect(assertHardened(safe, 'production')).toEqual([]);
  });

  it.each([
    ['core dumps', { ...safe, coreLimitBytes: 1 }],
    ['unlimited core dumps', { ...safe, coreLimitBytes: Number.POSITIVE_INFINITY }],
    ['a limit that cannot be told', { ...safe, coreLimitBytes: undefined }],
    ['swap', { ...safe, swap: true }],
    ['swap that cannot be told', { ...safe, swap: undefined }],
  ])('refuses %s in production, and says so in development', (_name, state) => {
    expect(() => assertHardened(state, 'production')).toThrow(expect.objectContaining({ code: 'process-not-hardened' }));
    expect(assertHardened(state, 'development')).toHaveLength(1);
  });

  it.each(['development', 'production'] as const)('refuses a debugger in %s', (profile) => {
    expect(() => assertHardened({ ...safe, inspector: true }, profile)).toThrow(expect.objectContaining({ code: 'process-not-hardened' }));
  });

  it.each(['development', 'production'] as const)('refuses code that is loaded first in %s', (profile) => {
    expect(() => assertHardened({ ...safe, preloads: ['--import'] }, profile)).toThrow(expect.objectContaining({ code: 'process-not-hardened' }));
  });

  it('knows every way to load code first', () => {
    const ways = ['-r', '--require=./x.js', '--import', '--loader=x', '--experimental-loader', '--env-file=.env'];
    expect(preloadsOf([...ways, '--no-warnings', '--max-old-space-size=100', ''])).toEqual(ways);
  });

  it('reads this process', () => {
    expect(processState()).toMatchObject({ inspector: false });
  });
});

describe('refuseDebugger', () => {
  // In a process of its own: the test runner keeps signals to itself.
  const signalled = (prepared: string): Promise<string> => {
    const program = `
      import { url } from 'node:inspector';
      ${prepared}
      process.kill(process.pid, 'SIGUSR1');
      const look = () => {
        if (url() === undefined && globalThis.told !== true) return setImmediate(look);
        process.stdout.write(url() === undefined ? 'closed' : 'open');
        process.exit();
      };
      look();`;
    return new Promise((resolve, reject) => {
      execFile(process.execPath, ['--inspect-port=0', '--input-type=module', '--eval', program], (error, stdout) => { if (error) reject(new Error('the program failed', { cause: error })); else resolve(stdout); });
    });
  };

  it('leaves SIGUSR1 without a debugger, and tells of it', async () => {
    expect(await signalled('')).toBe('open');
    expect(await signalled(`(${refuseDebugger.toString()})(() => { process.stdout.write('told, '); globalThis.told = true; });`)).toBe('told, closed');
  });
});
