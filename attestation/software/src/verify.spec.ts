import { canonicalBytes, toBase64url } from '@strongroom/attestation-encoding';
import type { PcrBank, SoftwareEvidence } from '@strongroom/attestation-model';
import { FakeSoftwareAttester } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { softwareKeyName, verifySoftwareEvidence } from './verify.js';

const attester = new FakeSoftwareAttester();
const binding = new Uint8Array(32).fill(3);
const pcrs: readonly PcrBank[] = [{ bank: 'sha256', values: { 0: 'aa'.repeat(32), 23: 'bb'.repeat(32) } }];
const expected = { akName: attester.name, bindingDigest: binding };
const good = attester.attest(binding, pcrs);
const verify = (evidence: unknown, change: object = {}): unknown => verifySoftwareEvidence(evidence as SoftwareEvidence, { ...expected, ...change });
const state = (statement: unknown): SoftwareEvidence => attester.state(canonicalBytes(statement));
const body = { type: 'strongroom/software-evidence/v1', binding: toBase64url(binding), pcrs };
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('verifySoftwareEvidence', () => {
  it('verifies a statement and never calls it hardware', () => {
    expect(verify(good)).toMatchObject({ kind: 'software', hardware: false, akName: attester.name, bindingDigest: binding, pcrs });
    expect(verify(good)).not.toHaveProperty('clock');
    expect(softwareKeyName(attester.publicKey)).toBe(attester.name);
  });

  it('takes a statement that measures nothing: appraisal will then match nothing', () => {
    expect(verify(attester.attest(binding, []))).toMatchObject({ pcrs: [] });
  });

  it('refuses another key than the enrolled one', () => {
    expect(() => verify(new FakeSoftwareAttester().attest(binding, pcrs))).toThrow(code('software-key-name-mismatch'));
  });

  it('refuses a key on another curve, or spelt otherwise, or none', () => {
    const p384 = new FakeSoftwareAttester('P-384');
    expect(() => verify(p384.attest(binding, pcrs), { akName: p384.name })).toThrow(code('software-evidence-malformed'));
    expect(() => verify({ ...p384.attest(binding, pcrs), signature: good.signature }, { akName: p384.name })).toThrow(code('software-key-unsupported'));
    const trailing = new Uint8Array([...attester.publicKey, 0]);
    expect(() => verify({ ...good, public_key: toBase64url(trailing) }, { akName: softwareKeyName(trailing) })).toThrow(code('software-key-unsupported'));
    const junk = new Uint8Array(12);
    expect(() => verify({ ...good, public_key: toBase64url(junk) }, { akName: softwareKeyName(junk) })).toThrow(code('software-key-unsupported'));
  });

  it('refuses another statement or signature', () => {
    expect(() => verify({ ...good, statement: state({ ...body, pcrs: [] }).statement })).toThrow(code('software-signature'));
    expect(() => verify({ ...good, signature: toBase64url(new Uint8Array(64)) })).toThrow(code('software-signature'));
    expect(() => verify({ ...good, signature: good.signature.slice(0, 84) })).toThrow(code('software-signature'));
  });

  it('refuses another challenge, a longer and a shorter one', () => {
    for (const other of [new Uint8Array(32), binding.subarray(1), new Uint8Array()]) {
      expect(() => verify(attester.attest(other, pcrs))).toThrow(code('software-binding-mismatch'));
    }
  });

  it.each([
    ['another type', { ...body, type: 'strongroom/approval/v1' }], ['no type', { binding: body.binding, pcrs }], ['an unknown member', { ...body, more: 1 }], ['no binding', { type: body.type, pcrs }],
    ['no PCRs', { type: body.type, binding: body.binding }], ['five banks', { ...body, pcrs: Array(5).fill(pcrs[0]) }], ['a bank twice', { ...body, pcrs: [pcrs[0], pcrs[0]] }],
    ['a bank of an unknown hash', { ...body, pcrs: [{ bank: 'md5', values: {} }] }], ['a bank without name', { ...body, pcrs: [{ values: {} }] }], ['a bank that is no object', { ...body, pcrs: [1] }],
    ['a bank with more members', { ...body, pcrs: [{ bank: 'sha256', values: {}, more: 1 }] }], ['values that are a list', { ...body, pcrs: [{ bank: 'sha256', values: [] }] }],
    ['a value of another length', { ...body, pcrs: [{ bank: 'sha256', values: { 0: 'aa' } }] }], ['a value of another type', { ...body, pcrs: [{ bank: 'sha256', values: { 0: 1 } }] }],
    ['a value in capitals', { ...body, pcrs: [{ bank: 'sha256', values: { 0: 'AA'.repeat(32) } }] }], ['a PCR beyond 31', { ...body, pcrs: [{ bank: 'sha256', values: { 32: 'aa'.repeat(32) } }] }],
    ['a list in place of it', [body]], ['null in place of it', null],
  ])('refuses a signed statement with %s', (_what, statement) => {
    expect(() => verify(state(statement))).toThrow(code('software-evidence-malformed'));
  });

  it('refuses a signed statement that is not in canonical form', () => {
    expect(() => verify(attester.state(new Uint8Array(Buffer.from(JSON.stringify(body, undefined, 1)))))).toThrow(code('software-evidence-malformed'));
  });

  it.each([
    ['no object', null], ['another kind', { ...good, kind: 'tpm2' }], ['an unknown member', { ...good, more: 1 }], ['no statement', { ...good, statement: undefined }],
    ['no signature', { ...good, signature: undefined }], ['no key', { ...good, public_key: undefined }], ['a statement of 17 KiB', { ...good, statement: toBase64url(new Uint8Array(17 * 1024)) }],
    ['a key of 300 bytes', { ...good, public_key: toBase64url(new Uint8Array(300)) }],
  ])('refuses evidence with %s', (_what, evidence) => {
    expect(() => verify(evidence)).toThrow(code('software-evidence-malformed'));
  });

  it.each([
    ['no key name', { akName: undefined }], ['a key name of another hash', { akName: `000c${'aa'.repeat(48)}` }], ['a key name in capitals', { akName: attester.name.toUpperCase() }],
    ['no binding', { bindingDigest: undefined }], ['a short binding', { bindingDigest: new Uint8Array(31) }],
  ])('refuses to verify against %s', (_what, change) => {
    expect(() => verify(good, change)).toThrow(code('software-expectation-malformed'));
  });
});
