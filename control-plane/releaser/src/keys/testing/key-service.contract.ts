import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey, wrapShardKey, type ShardKeyContext } from '@strongroom/control-plane-contract';
import type { KeyService } from '../key-service.js';

export interface KeyServiceUnderTest {
  readonly service: KeyService;
  /** Which enclaves have a key in it: at least two. */
  readonly enclaves: readonly [string, string];
}

/** What every key service promises; each adapter's specification runs it. */
export function describeKeyService(name: string, make: () => Promise<KeyServiceUnderTest>): void {
  const context: ShardKeyContext = { tenant: 'acme', asset: '019a9f6e-0000-7000-8000-000000000001', seal_id: 'AAAAAAAAAAAAAAAAAAAAAA', key_epoch: 1, shard: 3 };

  async function wrapped(under: KeyServiceUnderTest, key: Uint8Array) {
    const kek = (await under.service.publicKeys()).find(({ enclave }) => enclave === under.enclaves[0]);
    if (kek === undefined) throw new Error('the service under test has no key for its enclave');
    return { kek, message: await wrapShardKey(kek.public_key, key, context, kek) };
  }

  describe(`${name} as a key service`, () => {
    it('unwraps what was wrapped to its public key, each call into its own buffer', async () => {
      const under = await make();
      const key = new Uint8Array(randomBytes(32));
      const { kek, message } = await wrapped(under, key);
      const first = await under.service.unwrap(message, context, kek);
      expect(first).toEqual(key);
      first.fill(0);
      expect(await under.service.unwrap(message, context, kek)).toEqual(key);
    });

    it.each<[string, Partial<ShardKeyContext>]>([
      ['tenant', { tenant: 'other' }],
      ['asset', { asset: '019a9f6e-0000-7000-8000-000000000002' }],
      ['seal', { seal_id: 'AAAAAAAAAAAAAAAAAAAAAQ' }],
      ['key epoch', { key_epoch: 2 }],
      ['shard', { shard: 4 }],
    ])('refuses a wrapped key under another %s', async (_, change) => {
      const under = await make();
      const { kek, message } = await wrapped(under, new Uint8Array(randomBytes(32)));
      await expect(under.service.unwrap(message, { ...context, ...change }, kek)).rejects.toMatchObject({ code: 'key-refused' });
    });

    it("refuses to open one enclave's key with another's", async () => {
      const under = await make();
      const { kek, message } = await wrapped(under, new Uint8Array(randomBytes(32)));
      await expect(under.service.unwrap(message, context, { ...kek, enclave: under.enclaves[1] })).rejects.toMatchObject({ code: 'key-refused' });
    });

    it('refuses a key it does not have', async () => {
      const under = await make();
      const { kek, message } = await wrapped(under, new Uint8Array(randomBytes(32)));
      await expect(under.service.unwrap(message, context, { enclave: 'nowhere', kek: kek.kek })).rejects.toMatchObject({ code: 'key-unknown' });
      await expect(under.service.unwrap(message, context, { enclave: kek.enclave, kek: 'other' })).rejects.toMatchObject({ code: 'key-unknown' });
    });

    it('refuses what was wrapped to somebody else, and what was altered', async () => {
      const under = await make();
      const { kek, message } = await wrapped(under, new Uint8Array(randomBytes(32)));
      const stranger = await generateTransportKey();
      const foreign = await wrapShardKey(stranger.publicKey, new Uint8Array(32), context, kek);
      await expect(under.service.unwrap(foreign, context, kek)).rejects.toMatchObject({ code: 'key-refused' });
      const altered = Buffer.from(message.ciphertext, 'base64url');
      altered[0] = (altered[0] ?? 0) ^ 1;
      await expect(under.service.unwrap({ ...message, ciphertext: toBase64url(altered) }, context, kek)).rejects.toMatchObject({ code: 'key-refused' });
    });

    it('gives nothing once closed', async () => {
      const under = await make();
      const { kek, message } = await wrapped(under, new Uint8Array(randomBytes(32)));
      await under.service.close();
      await expect(under.service.unwrap(message, context, kek)).rejects.toThrow();
    });
  });
}
