import { readFileSync } from 'node:fs';
import { fromBase64url } from '@strongroom/attestation-encoding';
import { FakeEndorsementAuthority, FakeEndorsementKey, type CertificateKnobs } from '@strongroom/attestation-testing';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { verifyEndorsement, type EndorsementInput } from './endorsement.js';
import { VENDOR_EK_ROOTS, vendorEkRootDigests } from './vendor-roots.js';

const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/tpm/node.json', import.meta.url), 'utf8')) as {
  endorsement: { public: string; certificate: string; issuer: string; root: string; root_digest: string };
};
const { endorsement } = fixture;
const captured: EndorsementInput = {
  ekCertificate: fromBase64url(endorsement.certificate),
  ekPublic: fromBase64url(endorsement.public),
  intermediates: [fromBase64url(endorsement.issuer)],
  roots: [fromBase64url(endorsement.root)],
  trustedRootDigests: [endorsement.root_digest],
};
const NOW = new Date('2027-01-01T00:00:00Z');
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('an EK certificate captured from swtpm', () => {
  it('verifies where its authority is pinned', () => {
    expect(verifyEndorsement(captured, NOW)).toMatchObject({ rootDigest: endorsement.root_digest, ekDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), ekName: expect.stringMatching(/^000b/) });
  });

  it('is refused under the vendors that production pins', () => {
    expect(() => verifyEndorsement({ ...captured, trustedRootDigests: vendorEkRootDigests() }, NOW)).toThrow(code('tpm-ek-path'));
  });
});

describe('verifyEndorsement', () => {
  let authority: FakeEndorsementAuthority;
  beforeAll(async () => {
    authority = await FakeEndorsementAuthority.create();
  });
  const input = async (ek: FakeEndorsementKey, knobs: CertificateKnobs = {}, from = authority): Promise<EndorsementInput> => ({
    ekCertificate: await from.certifyEndorsementKey(ek.publicKey, knobs),
    ekPublic: ek.publicArea,
    intermediates: [from.intermediate],
    roots: [from.root],
    trustedRootDigests: [from.rootDigest],
  });

  it.each(['rsa-2048', 'rsa-3072', 'ecc-p256', 'ecc-p384'] as const)('verifies %s under an empty subject and a critical directoryName', async (kind) => {
    const ek = new FakeEndorsementKey(kind);
    const verified = verifyEndorsement(await input(ek), NOW);
    expect(verified).toMatchObject({ ekName: ek.name, rootDigest: authority.rootDigest, expiresAt: new Date('2036-01-01T00:00:00Z') });
    expect(Object.isFrozen(verified)).toBe(true);
  }, 60_000);

  it('refuses fake evidence under production settings (sentinel)', async () => {
    const fake = await input(new FakeEndorsementKey());
    expect(() => verifyEndorsement({ ...fake, trustedRootDigests: vendorEkRootDigests() }, NOW)).toThrow(code('tpm-ek-path'));
    expect(() => verifyEndorsement({ ...fake, trustedRootDigests: [] }, NOW)).toThrow(code('tpm-ek-path'));
  });

  it('takes a certificate in an NV index larger than itself, filled with 00 or ff', async () => {
    const fake = await input(new FakeEndorsementKey('ecc-p256'));
    const followedBy = (...rest: number[]): EndorsementInput => ({ ...fake, ekCertificate: new Uint8Array([...fake.ekCertificate, ...rest]) });
    expect(verifyEndorsement(followedBy(0, 0, 0), NOW).certificateDigest).toBe(verifyEndorsement(fake, NOW).certificateDigest);
    expect(verifyEndorsement(followedBy(255, 255), NOW)).toBeDefined();
    expect(() => verifyEndorsement(followedBy(0, 255), NOW)).toThrow(code('tpm-ek-certificate'));
    expect(() => verifyEndorsement(followedBy(5, 0), NOW)).toThrow(code('tpm-ek-certificate'));
  });

  it('refuses the certificate of another key', async () => {
    const fake = await input(new FakeEndorsementKey());
    expect(() => verifyEndorsement({ ...fake, ekPublic: new FakeEndorsementKey().publicArea }, NOW)).toThrow(code('tpm-ek-key-mismatch'));
  });

  it('refuses a key that is no endorsement key', async () => {
    const signing = new FakeEndorsementKey('ecc-p256', { attributes: ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign'] });
    await expect(input(signing).then((fake) => verifyEndorsement(fake, NOW))).rejects.toThrow(code('tpm-ek-attributes'));
  });

  it.each<[string, CertificateKnobs, string]>([
    ['for another purpose', { purposes: ['1.3.6.1.5.5.7.3.1'] }, 'tpm-ek-certificate'],
    ['of an authority', { ca: true }, 'tpm-ek-certificate'],
    ['past its end', { notAfter: new Date('2026-12-31T23:59:59Z') }, 'tpm-ek-path'],
    ['before its start', { notBefore: new Date('2027-01-01T00:00:01Z') }, 'tpm-ek-path'],
    ['with a critical extension nobody understands', { unknownCritical: true }, 'tpm-ek-path'],
  ])('refuses a certificate %s', async (_what, knobs, refusal) => {
    const fake = await input(new FakeEndorsementKey('ecc-p256'), knobs);
    expect(() => verifyEndorsement(fake, NOW)).toThrow(code(refusal));
  });

  it('refuses authorities that may not issue, or not so deep', async () => {
    for (const knobs of [{ intermediate: { ca: false } }, { intermediate: { certSign: false } }, { root: { pathLength: 0 } }, { intermediate: { notAfter: new Date('2026-06-01T00:00:00Z') } }]) {
      const from = await FakeEndorsementAuthority.create(knobs);
      const fake = await input(new FakeEndorsementKey('ecc-p256'), {}, from);
      expect(() => verifyEndorsement(fake, NOW)).toThrow(code('tpm-ek-path'));
    }
  });

  it('refuses what does not come with its path', async () => {
    const fake = await input(new FakeEndorsementKey('ecc-p256'));
    for (const change of [{ intermediates: [] }, { roots: [] }, { trustedRootDigests: ['sha256:zz'] }]) {
      expect(() => verifyEndorsement({ ...fake, ...change }, NOW)).toThrow(code('tpm-ek-path'));
    }
    expect(() => verifyEndorsement({ ...fake, ekCertificate: new Uint8Array() }, NOW)).toThrow(code('tpm-ek-certificate'));
  });
});

describe('the pinned vendor roots', () => {
  it('are digests, each once, without swtpm', () => {
    const digests = vendorEkRootDigests();
    expect(digests).toHaveLength(11);
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests.every((digest) => /^sha256:[0-9a-f]{64}$/.test(digest))).toBe(true);
    expect(VENDOR_EK_ROOTS.some(({ commonName, vendor }) => /swtpm/i.test(commonName + vendor))).toBe(false);
    expect(digests).not.toContain(endorsement.root_digest);
  });
});
