import { describe, expect, it } from '@jest/globals';
import { inspectorFaults, memoryFaults, type ProcessFacts } from './hardening.js';

const limits = (soft: string): string => `Limit                     Soft Limit           Hard Limit           Units\nMax core file size        ${soft.padEnd(20)} unlimited            bytes\n`;
const hard: ProcessFacts = { execArgv: [], nodeOptions: '', inspectorUrl: undefined, limits: limits('0'), swaps: 'Filename Type Size Used Priority\n' };

describe('a hardened process', () => {
  it('has nothing against it', () => {
    expect([...inspectorFaults(hard), ...memoryFaults(hard)]).toEqual([]);
  });

  it.each<[string, Partial<ProcessFacts>]>([
    ['an inspector that listens', { inspectorUrl: 'ws://127.0.0.1:9229/x' }],
    ['--inspect', { execArgv: ['--inspect'] }],
    ['--inspect-brk', { execArgv: ['--inspect-brk=0'] }],
    ['heap snapshots', { execArgv: ['--heapsnapshot-signal=SIGUSR2'] }],
    ['crash reports', { execArgv: ['--report-on-signal'] }],
    ['NODE_OPTIONS with an inspector', { nodeOptions: '--max-old-space-size=100 --inspect-port=0' }],
    ['NODE_OPTIONS with a preload', { nodeOptions: '-r ./x.js' }],
    ['NODE_OPTIONS with an import', { nodeOptions: '--import ./x.mjs' }],
  ])('has none of %s', (_, change) => {
    expect(inspectorFaults({ ...hard, ...change })).not.toEqual([]);
  });

  it('may be given harmless options', () => {
    expect(inspectorFaults({ ...hard, nodeOptions: '--max-old-space-size=512 --no-warnings', execArgv: ['--no-warnings'] })).toEqual([]);
  });

  it.each<[string, Partial<ProcessFacts>]>([
    ['core dumps on', { limits: limits('unlimited') }],
    ['core dumps of some size', { limits: limits('1') }],
    ['a limit nobody can read', { limits: undefined }],
    ['limits without that line', { limits: 'Max open files 1 1\n' }],
    ['swap', { swaps: 'Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n' }],
    ['swap nobody can tell of', { swaps: undefined }],
  ])('has not %s', (_, change) => {
    expect(memoryFaults({ ...hard, ...change })).toHaveLength(1);
  });
});
