import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { evidenceBindingDigest, type EvidenceBinding } from './binding.js';
import { provenClaims } from './evidence.js';

const binding: EvidenceBinding = {
  tenant: 'acme',
  node: '01939d5e-0000-7000-8000-000000000001',
  akName: `000b${'ab'.repeat(32)}`,
  purpose: 'release',
  nonce: new Uint8Array(32).fill(7),
  transportKeyDigest: `sha256:${'11'.repeat(32)}`,
  mtlsKeyDigest: `sha256:${'22'.repeat(32)}`,
};

describe('evidenceBindingDigest', () => {
  it('is the digest of the canonical form, written out', () => {
    const canonical =
      `{"ak_name":"000b${'ab'.repeat(32)}","mtls_key":"sha256:${'22'.repeat(32)}","node":"01939d5e-0000-7000-8000-000000000001",` +
      `"nonce":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","purpose":"release","tenant":"acme","transport_key":"sha256:${'11'.repeat(32)}","type":"strongroom/evidence/v1"}`;
    expect(Buffer.from(evidenceBindingDigest(binding)).toString('hex')).toBe(createHash('sha256').update(canonical).digest('hex'));
  });

  it('changes with every member', () => {
    const others: Partial<EvidenceBinding>[] = [
      { tenant: 'acm3' }, { node: 'n' }, { akName: `000c${'ab'.repeat(48)}` }, { purpose: 'renew' }, { nonce: new Uint8Array(32) },
      { transportKeyDigest: `sha256:${'33'.repeat(32)}` }, { mtlsKeyDigest: `sha256:${'33'.repeat(32)}` },
      { transportKeyDigest: binding.mtlsKeyDigest, mtlsKeyDigest: binding.transportKeyDigest },
    ];
    const digests = [binding, ...others.map((other) => ({ ...binding, ...other }))].map((one) => Buffer.from(evidenceBindingDigest(one)).toString('hex'));
    expect(new Set(digests).size).toBe(digests.length);
  });

  it.each([
    ['no nonce', { nonce: undefined }], ['a short nonce', { nonce: new Uint8Array(31) }], ['a nonce in text', { nonce: 'x'.repeat(32) }],
    ['no tenant', { tenant: undefined }], ['an empty tenant', { tenant: '' }], ['a tenant with a space', { tenant: 'a b' }], ['a tenant beyond ASCII', { tenant: 'é' }], ['an overlong tenant', { tenant: 'x'.repeat(201) }],
    ['no node', { node: undefined }], ['an empty node', { node: '' }], ['a node with a line break', { node: 'a\nb' }],
    ['no AK name', { akName: undefined }], ['an empty AK name', { akName: '' }], ['an AK name in capitals', { akName: `000B${'AB'.repeat(32)}` }],
    ['another purpose', { purpose: 'other' }], ['no purpose', { purpose: undefined }],
    ['a transport key without digest form', { transportKeyDigest: '11'.repeat(32) }], ['no mTLS key', { mtlsKeyDigest: undefined }],
  ])('refuses %s', (_what, change) => {
    expect(() => evidenceBindingDigest({ ...binding, ...change } as EvidenceBinding)).toThrow(RangeError);
  });
});

describe('provenClaims', () => {
  it('cannot be changed once proven', () => {
    const claims = provenClaims({ kind: 'software', hardware: false, akName: binding.akName, bindingDigest: new Uint8Array(32), pcrs: [] });
    expect(() => Object.assign(claims, { hardware: true })).toThrow(TypeError);
  });
});
