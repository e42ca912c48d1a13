import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { agentMeasurement, expectedPcr } from './measurement.js';

const anchorsDigest = `sha256:${'a'.repeat(64)}`;
const file = (path: string, text: string) => ({ path, bytes: new TextEncoder().encode(text) });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('agentMeasurement', () => {
  it('is SHA-256 over the files’ digests by path, and the anchors', () => {
    const canonical = `{"anchors":"${anchorsDigest}","files":[{"digest":"sha256:${sha256('B')}","path":"B.js"},{"digest":"sha256:${sha256('a')}","path":"a.js"}],"type":"strongroom/agent-measurement/v1"}`;
    const measured = agentMeasurement({ files: [file('a.js', 'a'), file('B.js', 'B')], anchorsDigest });
    expect(Buffer.from(measured).toString('hex')).toBe(sha256(canonical));
    expect(agentMeasurement({ files: [file('B.js', 'B'), file('a.js', 'a')], anchorsDigest })).toEqual(measured);
  });

  it('changes with a byte, a name, a file more, or other anchors', () => {
    const variants = [
      { files: [file('a.js', 'a')], anchorsDigest },
      { files: [file('a.js', 'b')], anchorsDigest },
      { files: [file('b.js', 'a')], anchorsDigest },
      { files: [file('a.js', 'a'), file('b.js', '')], anchorsDigest },
      { files: [file('a.js', 'a')], anchorsDigest: `sha256:${'b'.repeat(64)}` },
    ];
    expect(new Set(variants.map((variant) => Buffer.from(agentMeasurement(variant)).toString('hex'))).size).toBe(variants.length);
  });

  it.each([
    ['no files', { files: [], anchorsDigest }],
    ['a path twice', { files: [file('a', '1'), file('a', '2')], anchorsDigest }],
    ['no anchors', { files: [file('a', '')], anchorsDigest: '' }],
    ['upper-case anchors', { files: [file('a', '')], anchorsDigest: `sha256:${'A'.repeat(64)}` }],
    ...['', '/a', 'a/', 'a//b', './a', 'a/../b', 'a\\b', 'a\nb', 'ä'].map((path) => [`the path ${JSON.stringify(path)}`, { files: [file(path, '')], anchorsDigest }] as const),
  ])('refuses %s', (_name, measured) => {
    expect(() => agentMeasurement(measured)).toThrow(expect.objectContaining({ code: 'measurement-invalid' }));
  });
});

describe('expectedPcr', () => {
  it('chains from the initial value', () => {
    expect(expectedPcr('00'.repeat(32), [])).toBe('00'.repeat(32));
    const once = createHash('sha256').update(Buffer.alloc(32)).update(Buffer.alloc(32, 1)).digest();
    expect(expectedPcr('00'.repeat(32), [new Uint8Array(32).fill(1)])).toBe(once.toString('hex'));
    expect(expectedPcr('00'.repeat(32), [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)])).toBe(createHash('sha256').update(once).update(Buffer.alloc(32, 2)).digest('hex'));
    expect(expectedPcr('00'.repeat(48), [new Uint8Array(48)], 'sha384')).toBe(createHash('sha384').update(Buffer.alloc(96)).digest('hex'));
  });

  it.each([
    ['a short start', '00', []],
    ['an upper-case start', 'AA'.repeat(32), []],
    ['an extension of another bank', '00'.repeat(32), [new Uint8Array(48)]],
    ['an empty extension', '00'.repeat(32), [new Uint8Array(0)]],
  ])('refuses %s', (_name, initial, extensions) => {
    expect(() => expectedPcr(initial, extensions)).toThrow(expect.objectContaining({ code: 'measurement-invalid' }));
  });
});
