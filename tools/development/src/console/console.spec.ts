import { describe, expect, it } from '@jest/globals';
import { DevelopmentError } from '../errors.js';
import { ProgressBar, renderBar } from './progress-bar.js';
import { describeFailure, StepPrinter } from './step-printer.js';

const MIB = 1024 * 1024;

function terminal(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => void written.push(text), text: () => written.join('') };
}

describe('a progress bar', () => {
  it('redraws one line on a terminal, not faster than it can be seen, and goes away', () => {
    const screen = terminal(true);
    let now = 0;
    const bar = new ProgressBar(screen, 'sealing', () => now);
    bar.update(1 * MIB, 64 * MIB);
    now = 1;
    bar.update(2 * MIB, 64 * MIB);
    expect(screen.written).toHaveLength(1);
    now = 100;
    bar.update(32 * MIB, 64 * MIB);
    bar.update(64 * MIB, 64 * MIB);
    expect(screen.written).toHaveLength(3);
    expect(screen.written[1]).toContain(' 50 %  32.0 MiB of 64.0 MiB');
    expect(screen.text()).not.toContain('\n');
    bar.clear();
    expect(screen.written.at(-1)).toBe('\r\u001b[2K');
    bar.clear();
    expect(screen.written).toHaveLength(4);
  });

  it('writes a few plain lines elsewhere, with no escape sequence', () => {
    const pipe = terminal(false);
    const bar = new ProgressBar(pipe, 'opening');
    for (let done = 0; done <= 64; done++) bar.update(done * MIB, 64 * MIB);
    bar.clear();
    expect(pipe.written).toEqual(['  opening 25 % of 64.0 MiB\n', '  opening 50 % of 64.0 MiB\n', '  opening 75 % of 64.0 MiB\n', '  opening 100 % of 64.0 MiB\n']);
  });

  it('says nothing of nothing, and never more than all', () => {
    const pipe = terminal(false);
    const bar = new ProgressBar(pipe, 'x');
    bar.update(0, 0);
    bar.update(5, Number.NaN);
    expect(pipe.written).toEqual([]);
    bar.update(9, 4);
    expect(pipe.text()).toContain('100 %');
  });

  it.each([10, 20, 40, 80, 300])('fits into %i columns', (columns) => {
    for (const share of [0, 0.01, 0.5, 1]) expect(renderBar('sealing', share, share * 64 * MIB, 64 * MIB, columns).length).toBeLessThan(columns);
  });
});

describe('steps', () => {
  it('are a line each, numbered, with their time', async () => {
    const pipe = terminal(false);
    let now = 0;
    const printer = new StepPrinter(pipe, 12, () => now);
    const value = await printer.run('first', async () => {
      now = 41;
      return { value: 7, detail: 'done well' };
    });
    expect(value).toBe(7);
    await expect(printer.run('second', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(pipe.text()).toBe('✓  1/12 first — done well (41 ms)\n✗  2/12 second\n');
  });

  it('keep what a server says from steering the terminal', async () => {
    const pipe = terminal(false);
    await new StepPrinter(pipe, 1).run('step', () => Promise.resolve({ value: 0, detail: 'a\u001b[2Jb\rc\u009bd' }));
    expect(pipe.text()).toContain('a [2Jb c d');
  });

  it('are not told any more once all is being stopped', async () => {
    const pipe = terminal(false);
    const printer = new StepPrinter(pipe, 1);
    printer.hush();
    await printer.run('late', ({ progress }) => {
      progress('late')(1, 1);
      return Promise.resolve({ value: 0, detail: '' });
    });
    expect(pipe.written).toEqual([]);
  });
});

describe('a failure', () => {
  it('is told with what the program said last, and without a stack', () => {
    const error = new DevelopmentError('program-ended', 'the server ended', { details: ['line 1', 'esc\u001b[31m'] });
    expect(describeFailure(error)).toEqual(['the server ended', '  line 1', '  esc [31m']);
  });

  it('of a library keeps its code; what nobody expected keeps its stack', () => {
    expect(describeFailure(Object.assign(new Error('proof is bad'), { code: 'inclusion-invalid' }))).toEqual(['proof is bad (inclusion-invalid)']);
    expect(describeFailure(new Error('odd'))[0]).toContain('console.spec');
  });
});
