import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { ANCHORS, GENESIS, verifyGenesis, verifyNextAnchors, verifyPinnedAnchors, type Anchors, type Genesis } from './anchors.js';
import type { ContractError } from './errors.js';
import { signStatement, toSignerKey } from './statement.js';

const keys = Array.from({ length: 6 }, () => generateKeyPairSync('ed25519'));
const publicOf = (index: number) => toSignerKey(keys[index]?.publicKey as KeyObject);
const privates = (...indexes: number[]) => indexes.map((index) => keys[index]?.privateKey as KeyObject);
const now = new Date('2026-06-01T00:00:00Z');

const anchors: Anchors = {
  type: 'strongroom/anchors/v1', tenant: 'acme', domain: 'acme.example', profile: 'development', version: 1, issued_at: '2026-01-01T00:00:00Z', expires_at: '2027-01-01T00:00:00Z',
  log: { origin: 'audit.acme.example/dev/2026', vkey: 'audit.acme.example/dev/2026+00000000+AAAA' },
  witnesses: { quorum: 0, vkeys: [], max_age_seconds: 60 },
  roots: { keys: [publicOf(0), publicOf(1)], threshold: 2 },
  policy_signers: { keys: [publicOf(2), publicOf(3)], threshold: 2 },
  registrars: { keys: [publicOf(2), publicOf(3)], threshold: 2 },
  manifest_signers: { owner: [publicOf(2)], security: [publicOf(3)] },
  releaser: publicOf(4),
  key_service: [{ enclave: 'vault', kek: 'k1', public_key: Buffer.alloc(32, 1).toString('base64url') }],
  approval: { rp_id: 'approve.localhost', origins: ['http://approve.localhost:7080'] },
};

const sign = (value: unknown, ...signers: number[]): DsseEnvelope => signStatement(ANCHORS, value as Anchors, privates(...signers));
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as ContractError).code;
  }
  return 'accepted';
}

describe('verifyPinnedAnchors', () => {
  it('accepts the pinned document signed by its own roots', () => {
    expect(verifyPinnedAnchors(sign(anchors, 0, 1), canonicalDigest(anchors), now).value).toEqual(anchors);
  });
  it('refuses another document, however well signed', () => {
    const other = { ...anchors, version: 2 };
    expect(codeOf(() => verifyPinnedAnchors(sign(other, 0, 1), canonicalDigest(anchors), now))).toBe('anchors-untrusted');
    expect(codeOf(() => verifyPinnedAnchors(sign(anchors, 0, 1), '', now))).toBe('anchors-untrusted');
  });
  it('refuses one signature where two are asked for, and one key signing twice', () => {
    expect(codeOf(() => verifyPinnedAnchors(sign(anchors, 0), canonicalDigest(anchors), now))).toBe('statement-signature');
    expect(codeOf(() => verifyPinnedAnchors(sign(anchors, 0, 0), canonicalDigest(anchors), now))).toBe('statement-signature');
  });
  it.each([
    ['a root threshold of one', { roots: { keys: [publicOf(0), publicOf(1)], threshold: 1 } }],
    ['one key listed twice', { policy_signers: { keys: [publicOf(2), publicOf(2)], threshold: 2 } }],
    ['one key in both manifest roles', { manifest_signers: { owner: [publicOf(2)], security: [publicOf(2)] } }],
    ['a registrar threshold nobody can reach', { registrars: { keys: [publicOf(2), publicOf(3)], threshold: 3 } }],
    ['production without a witness', { profile: 'production' }],
    ['production with witnesses of yesterday', { profile: 'production', witnesses: { quorum: 1, vkeys: ['w+0+A'], max_age_seconds: 61 } }],
    ['a witness quorum nobody can reach', { witnesses: { quorum: 1, vkeys: [], max_age_seconds: 60 } }],
  ] as const)('refuses %s', (_name, change) => {
    const unsound = { ...anchors, ...change };
    expect(codeOf(() => verifyPinnedAnchors(sign(unsound, 0, 1), canonicalDigest(unsound), now))).toBe('anchors-untrusted');
  });
  it('refuses expired, future and malformed documents', () => {
    const digest = canonicalDigest(anchors);
    expect(codeOf(() => verifyPinnedAnchors(sign(anchors, 0, 1), digest, new Date('2027-01-01T00:00:00Z')))).toBe('statement-expired');
    expect(codeOf(() => verifyPinnedAnchors(sign(anchors, 0, 1), digest, new Date('2025-12-31T23:58:59Z')))).toBe('statement-not-yet-valid');
    for (const bad of [undefined, null, {}, 'x', { ...sign(anchors, 0, 1), payload: '' }]) {
      expect(codeOf(() => verifyPinnedAnchors(bad, digest, now))).toBe('statement-malformed');
    }
  });
});

describe('verifyNextAnchors', () => {
  const next = { ...anchors, version: 2, roots: { keys: [publicOf(4), publicOf(5)], threshold: 2 } };
  it('accepts a new set that the previous and the new roots signed', () => {
    expect(verifyNextAnchors(sign(next, 0, 1, 4, 5), anchors, now).value.version).toBe(2);
  });
  it('refuses a set that only its own roots, or only the old ones, signed', () => {
    expect(codeOf(() => verifyNextAnchors(sign(next, 4, 5), anchors, now))).toBe('statement-signature');
    expect(codeOf(() => verifyNextAnchors(sign(next, 0, 1), anchors, now))).toBe('statement-signature');
  });
  it('refuses a rollback and another tenant or profile', () => {
    expect(codeOf(() => verifyNextAnchors(sign(anchors, 0, 1), anchors, now))).toBe('statement-rolled-back');
    const foreign = { ...anchors, version: 3, tenant: 'other' };
    expect(codeOf(() => verifyNextAnchors(sign(foreign, 0, 1), anchors, now))).toBe('statement-other-tenant');
    const promoted = { ...anchors, version: 3, profile: 'production' as const, witnesses: { quorum: 1, vkeys: ['w+0+A'], max_age_seconds: 60 } };
    expect(codeOf(() => verifyNextAnchors(sign(promoted, 0, 1), anchors, now))).toBe('anchors-untrusted');
  });
});

describe('verifyGenesis', () => {
  const pinned = verifyPinnedAnchors(sign(anchors, 0, 1), canonicalDigest(anchors), now);
  const genesis: Genesis = { type: 'strongroom/genesis/v1', tenant: 'acme', domain: 'acme.example', profile: 'development', log_origin: anchors.log.origin, anchors_digest: canonicalDigest(anchors), created_at: '2026-01-01T00:00:00Z' };
  it('accepts the pinned two-party statement', () => {
    expect(verifyGenesis(signStatement(GENESIS, genesis, privates(0, 1)), canonicalDigest(genesis), pinned).value).toEqual(genesis);
  });
  it('refuses another digest, other anchors, another profile, and a single signature', () => {
    expect(codeOf(() => verifyGenesis(signStatement(GENESIS, genesis, privates(0, 1)), canonicalDigest(anchors), pinned))).toBe('genesis-mismatch');
    for (const change of [{ anchors_digest: canonicalDigest(1) }, { profile: 'production' as const }, { log_origin: 'x' }, { tenant: 'other' }]) {
      const other = { ...genesis, ...change };
      expect(codeOf(() => verifyGenesis(signStatement(GENESIS, other, privates(0, 1)), canonicalDigest(other), pinned))).toBe('genesis-mismatch');
    }
    expect(codeOf(() => verifyGenesis(signStatement(GENESIS, genesis, privates(0)), canonicalDigest(genesis), pinned))).toBe('statement-signature');
  });
});
