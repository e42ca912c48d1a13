import { describe, expect, it } from '@jest/globals';
import { keyCommitment, opensCommitment } from '@strongroom/control-plane-contract';
import { shardAssociatedData } from './shard-associated-data.js';
import { seededBytes } from './testing/scratch.js';

const identity = { tenant: 't', asset: 'a', sealId: 's', keyEpoch: 1, shard: 0, shards: 2, path: 'model-00001-of-00002.safetensors' };

describe('associated data of a shard', () => {
  it('is the canonical form of its names', () => {
    expect(Buffer.from(shardAssociatedData(identity)).toString()).toBe(
      '{"asset":"a","key_epoch":1,"path":"model-00001-of-00002.safetensors","seal_id":"s","shard":0,"shards":2,"tenant":"t","type":"strongroom/shard/v1"}',
    );
  });

  it.each([
    ['no tenant', { tenant: '' }],
    ['no seal id', { sealId: undefined as unknown as string }],
    ['an asset too long', { asset: 'a'.repeat(129) }],
    ['a key epoch below 0', { keyEpoch: -1 }],
    ['a key epoch as text', { keyEpoch: '1' as unknown as number }],
    ['an index outside the count', { shard: 2 }],
    ['a fractional index', { shard: 0.5 }],
    ['no shards', { shards: 0 }],
    ['no path', { path: '' }],
    ['an absolute path', { path: '/etc/passwd' }],
    ['a path that climbs', { path: 'a/../../b' }],
    ['a backslash', { path: 'a\\b' }],
    ['a control character', { path: 'a\nb' }],
    ['a lone surrogate', { path: 'a\ud800' }],
    ['a path too long', { path: 'é'.repeat(500) }],
  ])('refuses %s', (_name, change) => {
    expect(() => shardAssociatedData({ ...identity, ...change })).toThrow(expect.objectContaining({ code: 'seal-associated-data-malformed' }));
  });
});

describe('a key commitment', () => {
  const key = seededBytes('key', 32);
  const commitment = keyCommitment(key, 's', 1);

  it('is the HMAC of its canonical statement', () => {
    // printf '%s' '{"seal_id":"s","shard":1,"type":"strongroom/key-commitment/v1"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
    expect(keyCommitment(new Uint8Array(32).fill(7), 's', 1)).toBe('sha256:eedf580f4db8a5a297ae21707d7271c967ad8f4862ccfdb5a959257775d92d09');
  });

  it('holds for its key, seal and shard alone', () => {
    expect(opensCommitment(key, 's', 1, commitment)).toBe(true);
    expect(opensCommitment(seededBytes('other', 32), 's', 1, commitment)).toBe(false);
    expect(opensCommitment(key, 't', 1, commitment)).toBe(false);
    expect(opensCommitment(key, 's', 0, commitment)).toBe(false);
  });

  it.each([undefined, null, '', 'sha256:', commitment.slice(0, -1), commitment.toUpperCase(), 7])('is not proved by %p', (wrong) => {
    expect(opensCommitment(key, 's', 1, wrong)).toBe(false);
  });
});
