import { describe, expect, it } from '@jest/globals';
import { createPublicKey, randomBytes } from 'node:crypto';
import { digestOf } from '@strongroom/attestation-encoding';
import { exportTransportKey, generateTransportKey, importTransportKey, openFrom, sealTo, transportKeyDigest } from './hpke.js';
import { keyCommitment, opensCommitment, wrapInfo, wrapShardKey } from './shard-key.js';

describe('HPKE', () => {
  it('opens only with the same recipient, info and aad', async () => {
    const [mine, other] = [await generateTransportKey(), await generateTransportKey()];
    const secret = new Uint8Array(randomBytes(32));
    const aad = new Uint8Array(32).fill(7);
    const message = await sealTo(mine.publicKey, secret, { a: 1 }, aad);
    expect(await openFrom(mine.privateKey, message, { a: 1 }, aad)).toEqual(secret);
    const refused = { code: 'hpke-open' };
    await expect(openFrom(other.privateKey, message, { a: 1 }, aad)).rejects.toMatchObject(refused);
    await expect(openFrom(mine.privateKey, message, { a: 2 }, aad)).rejects.toMatchObject(refused);
    await expect(openFrom(mine.privateKey, message, { a: 1 }, new Uint8Array(32))).rejects.toMatchObject(refused);
    await expect(openFrom(mine.privateKey, { ...message, ciphertext: `A${message.ciphertext.slice(1)}` }, { a: 1 }, aad)).rejects.toMatchObject(refused);
  });

  it('opens with an exported and imported key', async () => {
    const pair = await generateTransportKey(true);
    const message = await sealTo(pair.publicKey, new Uint8Array(32), {}, new Uint8Array(0));
    const raw = await exportTransportKey(pair.privateKey);
    expect(await openFrom(await importTransportKey(raw), message, {}, new Uint8Array(0))).toEqual(new Uint8Array(32));
    await expect(generateTransportKey().then(({ privateKey }) => exportTransportKey(privateKey))).rejects.toThrow();
  });

  it('names a transport key by the digest of its SubjectPublicKeyInfo', async () => {
    const { publicKey, digest } = await generateTransportKey();
    const spki = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: publicKey }, format: 'jwk' }).export({ format: 'der', type: 'spki' });
    expect(digest).toBe(digestOf(new Uint8Array(spki)));
    expect(transportKeyDigest(publicKey)).toBe(digest);
  });
});

describe('shard keys', () => {
  const context = { tenant: 'acme', asset: 'a', seal_id: 's', key_epoch: 1, shard: 0 };
  const kek = { enclave: 'vault', kek: 'k1' };

  it('unwrap under their own context alone', async () => {
    const service = await generateTransportKey();
    const key = new Uint8Array(randomBytes(32));
    const wrapped = await wrapShardKey(service.publicKey, key, context, kek);
    expect(await openFrom(service.privateKey, wrapped, wrapInfo(context, kek), new Uint8Array(0))).toEqual(key);
    await expect(openFrom(service.privateKey, wrapped, wrapInfo({ ...context, shard: 1 }, kek), new Uint8Array(0))).rejects.toMatchObject({ code: 'hpke-open' });
    await expect(openFrom(service.privateKey, wrapped, wrapInfo({ ...context, asset: 'b' }, kek), new Uint8Array(0))).rejects.toMatchObject({ code: 'hpke-open' });
  });

  it('are committed to by shard and seal', () => {
    const key = new Uint8Array(randomBytes(32));
    const commitment = keyCommitment(key, 'seal', 0);
    expect(opensCommitment(key, 'seal', 0, commitment)).toBe(true);
    expect(opensCommitment(key, 'seal', 1, commitment)).toBe(false);
    expect(opensCommitment(key, 'other', 0, commitment)).toBe(false);
    expect(opensCommitment(new Uint8Array(randomBytes(32)), 'seal', 0, commitment)).toBe(false);
    expect(opensCommitment(key.subarray(0, 31), 'seal', 0, commitment)).toBe(false);
    expect(opensCommitment(key, 'seal', 0, '')).toBe(false);
  });
});
