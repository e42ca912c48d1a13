import { describe, expect, it } from '@jest/globals';
import { formatVkey } from '@strongroom/attestation-tlog';
import type { Anchors } from './anchors.js';
import { logTrust } from './log-proof.js';

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const witness = (name: string, fill: number): string => formatVkey(name, 'cosignature/v1', key(fill));
const trusting = (quorum: number, ...vkeys: string[]) =>
  logTrust({ log: { origin: 'log.example', vkey: formatVkey('log.example', 'ed25519', key(1)) }, witnesses: { quorum, vkeys, max_age_seconds: 60 } } as unknown as Anchors);

describe('logTrust', () => {
  it('counts witnesses of different keys', () => {
    expect(trusting(2, witness('a.example', 2), witness('b.example', 3)).witnesses?.witnesses).toHaveLength(2);
  });

  it.each([
    ['one witness under two names', [witness('a.example', 2), witness('b.example', 2)]],
    ['the log as its own witness', [witness('a.example', 1), witness('b.example', 3)]],
    ['a key that is none', ['w+0+A', witness('b.example', 3)]],
  ])('refuses %s', (_name, vkeys) => {
    expect(() => trusting(2, ...vkeys)).toThrow(expect.objectContaining({ code: 'anchors-untrusted' }));
  });
});
