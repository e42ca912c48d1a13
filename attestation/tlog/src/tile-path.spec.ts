import { describe, expect, it } from '@jest/globals';
import { entriesPath, entriesPathOf, parseTilePath, tilePath, tileWidth } from './tile-path.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });

describe('tile paths', () => {
  it.each([
    [0, 0n, 256, 'tile/0/000'],
    [1, 999n, 1, 'tile/1/999.p/1'],
    [0, 1000n, 256, 'tile/0/x001/000'],
    [2, 1_234_067n, 255, 'tile/2/x001/x234/067.p/255'],
    [63, 18_446_744_073_709_551_615n, 256, 'tile/63/x018/x446/x744/x073/x709/x551/615'],
  ])('of level %d, index %s, width %d is %s, and is read back', (level, index, width, path) => {
    expect(tilePath(level, index, width)).toBe(path);
    expect(parseTilePath(path)).toEqual({ kind: 'tile', level, index, width });
    const bundle = path.replace(/^tile\/\d+/, 'tile/entries');
    expect(entriesPath(index, width)).toBe(bundle);
    expect(parseTilePath(bundle)).toEqual({ kind: 'entries', index, width });
  });

  it.each([
    '', 'tile', 'tile/0', 'tile/0/', 'tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/a/000',
    'tile/0/x001', 'tile/0/x001/', 'tile/0/001/000', 'tile/0/x000/001', 'tile/0/x001/0002', 'tile/0/-01', 'tile/0/000.p', 'tile/0/000.p/',
    'tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/1/', 'tile/0/000\n', '/tile/0/000', 'tile/0/../0/000',
    'tile/data/000', 'tile/0/x999/x999/x999/x999/x999/x999/999', 'checkpoint', 'tile/0/000'.repeat(50),
  ])('refuses %j', (path) => {
    expect(() => parseTilePath(path)).toThrow(code('path-malformed'));
  });

  it('cannot be made for an impossible place', () => {
    for (const make of [() => tilePath(64, 0n), () => tilePath(-1, 0n), () => tilePath(0.5, 0n), () => tilePath(0, -1n), () => entriesPath(1n << 64n), () => entriesPath(0n, 0), () => entriesPath(0n, 257)]) {
      expect(make).toThrow(code('path-malformed'));
    }
  });
});

describe('tileWidth', () => {
  it('is what the size leaves for each level', () => {
    const widths = (size: bigint, level: number): number[] => [0n, 1n, 272n, 273n, 274n].map((index) => tileWidth(size, level, index));
    expect(widths(70_000n, 0)).toEqual([256, 256, 256, 112, 0]);
    expect(widths(70_000n, 1)).toEqual([256, 17, 0, 0, 0]);
    expect(widths(70_000n, 2)).toEqual([1, 0, 0, 0, 0]);
    expect(widths(256n, 1)).toEqual([1, 0, 0, 0, 0]);
    expect(widths(0n, 0)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('entriesPathOf', () => {
  it('names the bundle of an entry at a size, and refuses an entry that is not there', () => {
    expect(entriesPathOf(255n, 257n)).toBe('tile/entries/000');
    expect(entriesPathOf(256n, 257n)).toBe('tile/entries/001.p/1');
    expect(() => entriesPathOf(257n, 257n)).toThrow(code('merkle-range'));
  });
});
