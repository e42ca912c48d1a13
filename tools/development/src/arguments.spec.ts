import { describe, expect, it } from '@jest/globals';
import { HELP, parseArguments } from './arguments.js';

describe('arguments', () => {
  it.each([
    [[], { command: 'start', once: false, weights: undefined }],
    [['start'], { command: 'start', once: false, weights: undefined }],
    [['start', '--once'], { command: 'start', once: true, weights: undefined }],
    [['--once', '--weights', 'model.safetensors'], { command: 'start', once: true, weights: 'model.safetensors' }],
    [['start', '--weights=a b/c'], { command: 'start', once: false, weights: 'a b/c' }],
    [['--help'], { command: 'help' }],
    [['start', '-h', '--once'], { command: 'help' }],
  ])('%j are read', (argv, expected) => {
    expect(parseArguments(argv)).toEqual(expected);
  });

  it.each([[['stop']], [['start', 'start']], [['--twice']], [['--weights']], [['--weights=']], [['--once=yes']]])('%j are refused, pointing to the help', (argv) => {
    expect(() => parseArguments(argv)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining('--help') }));
  });

  it('has a help that names every option and variable', () => {
    for (const word of ['--once', '--weights', '--help', 'STRONGROOM_HOME', 'STRONGROOM_PORT']) expect(HELP).toContain(word);
  });
});
