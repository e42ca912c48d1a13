import { randomBytes } from 'node:crypto';
import { FakeAttestationKey, FakeEndorsementKey } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { makeCredential, shareSeed } from './credential.js';
import { kdfa, kdfe } from './kdf.js';
import { parsePublicArea } from './public-area.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size));
/** Making RSA keys takes as long as it takes. */
const RSA_KEYS_MS = 60_000;
const ak = new FakeAttestationKey();
const secret = random(32);
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('makeCredential', () => {
  it.each(['rsa-2048', 'rsa-3072', 'ecc-p256', 'ecc-p384'] as const)('is opened by the TPM with this %s EK, for this AK alone', (kind) => {
    const ek = new FakeEndorsementKey(kind);
    const { credentialBlob, encryptedSecret } = makeCredential({ ekPublic: ek.publicArea, akName: ak.name, secret, random });
    expect(new Uint8Array(ek.activateCredential(ak.name, credentialBlob, encryptedSecret))).toEqual(secret);
    expect(() => ek.activateCredential(new FakeAttestationKey().name, credentialBlob, encryptedSecret)).toThrow('integrity');
    expect(() => new FakeEndorsementKey(kind).activateCredential(ak.name, credentialBlob, encryptedSecret)).toThrow();
  }, RSA_KEYS_MS);

  it('carries the smallest and the largest secret', () => {
    const ek = new FakeEndorsementKey('ecc-p384');
    for (const size of [16, 48]) {
      const { credentialBlob, encryptedSecret } = makeCredential({ ekPublic: ek.publicArea, akName: ak.name, secret: random(size), random });
      expect(ek.activateCredential(ak.name, credentialBlob, encryptedSecret)).toHaveLength(size);
    }
  });

  it('zeroes the ephemeral key it was given', () => {
    const drawn: Uint8Array[] = [];
    const watched = (size: number): Uint8Array => {
      const bytes = random(size);
      drawn.push(bytes);
      return bytes;
    };
    makeCredential({ ekPublic: new FakeEndorsementKey('ecc-p256').publicArea, akName: ak.name, secret, random: watched });
    makeCredential({ ekPublic: new FakeEndorsementKey('rsa-2048').publicArea, akName: ak.name, secret, random: watched });
    expect(drawn).toHaveLength(2);
    expect(drawn.every((bytes) => bytes.every((octet) => octet === 0))).toBe(true);
  }, RSA_KEYS_MS);

  const ek = new FakeEndorsementKey('ecc-p256');
  it.each([
    ['no secret', { secret: undefined }], ['a secret that can be guessed', { secret: new Uint8Array(15) }], ['a secret beyond the digest', { secret: new Uint8Array(33) }],
    ['no AK name', { akName: '' }], ['an AK name of another length', { akName: '000b00' }], ['random bytes out of range', { random: (size: number) => new Uint8Array(size) }],
  ])('refuses %s', (_what, change) => {
    expect(() => makeCredential({ ekPublic: ek.publicArea, akName: ak.name, secret, random, ...change } as Parameters<typeof makeCredential>[0])).toThrow(code('tpm-credential-malformed'));
  });

  it('shares no seed with a key bound to a scheme', () => {
    expect(() => shareSeed(parsePublicArea(ak.publicArea), 'IDENTITY', random)).toThrow(code('tpm-ek-attributes'));
  });

  it('refuses an EK that signs, and one off its curve', () => {
    expect(() => makeCredential({ ekPublic: ak.publicArea, akName: ak.name, secret, random })).toThrow(code('tpm-ek-attributes'));
    const off = new Uint8Array(ek.publicArea);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expect(() => makeCredential({ ekPublic: off, akName: ak.name, secret, random })).toThrow(code('tpm-public-malformed'));
  });
});

// Known answers a TPM simulator gave; the whole published set runs in tests/conformance.
describe('key derivation', () => {
  it('gives the known answers, cut to whole and to broken octets', () => {
    expect(kdfa('sha1', hex('ff'), 'CFB', hex('86ed23c15d086e70a8eae700680e75d20cff'), hex('51122c5879b277ff'), 140)).toEqual(hex('0d0be71c885d10eb61f2219000885c2d7658'));
    expect(kdfe('sha1', hex('4f60ef1e20d3a266e4ed45ff'), 'STORAGE', hex('d309dcef2fb76c'), hex('81e625e75002c0596146a68669443ecbf699ff'), 103)).toEqual(hex('78e19b34a31ad8723f5eb1ea1a'));
  });

  it('runs its counter over several blocks', () => {
    expect(kdfa('sha256', hex('01'), 'X', hex(''), hex(''), 1024)).toHaveLength(128);
  });

  it.each([0, -8, 1.5, 8193])('refuses %s bits', (bits) => {
    expect(() => kdfa('sha256', hex('01'), 'X', hex(''), hex(''), bits)).toThrow(RangeError);
  });
});
