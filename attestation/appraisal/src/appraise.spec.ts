import { canonicalDigest } from '@strongroom/attestation-encoding';
import { evidenceBindingDigest, type Evidence, type EvidenceBinding, type EvidencePurpose, type PcrBank, type ReferenceEnvironment } from '@strongroom/attestation-model';
import type { AppraisalInput } from '@strongroom/policies-engine';
import { FakeAttestationKey, FakeSoftwareAttester } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import type { AppraisalPolicy } from './appraisal-policy.js';
import { appraiseEvidence, type AppraisalRequest } from './appraise.js';

const NOW = new Date('2026-11-22T18:00:00.900Z');
const POLICY = `sha256:${'77'.repeat(32)}`;
const digest = (octet: string): string => octet.repeat(32);
const bank = (values: Record<string, string>, name: PcrBank['bank'] = 'sha256'): PcrBank => ({ bank: name, values });
const environment = (change: Partial<ReferenceEnvironment> = {}): ReferenceEnvironment => ({
  name: 'node-2026-11', kind: 'tpm2', bank: 'sha256', pcrs: { 0: digest('aa'), 7: digest('bb') }, expires_at: '2026-12-01T00:00:00Z', ...change,
});

/** A small policy that behaves as the real one does, and keeps what it was asked. */
class FakePolicy implements AppraisalPolicy {
  readonly asked: AppraisalInput[] = [];
  decideAppraisal(input: AppraisalInput): ReturnType<AppraisalPolicy['decideAppraisal']> {
    this.asked.push(input);
    const failed = [
      ...(input.environment.matched ? [] : ['environment.matched']),
      ...(input.claims.reset_count === input.claims.expected_reset_count ? [] : ['evidence.boot']),
    ];
    const good = failed.length === 0;
    return {
      decision: good,
      status: good ? 'affirming' : 'contraindicated',
      vector: { 'instance-identity': 2, executables: good ? 3 : 97, hardware: input.claims.hardware ? 2 : 0 },
      reasons: failed.map((code) => ({ code })),
    };
  }
}

const ak = new FakeAttestationKey();
const binding = (akName = ak.name, purpose: EvidencePurpose = 'release'): EvidenceBinding => ({
  tenant: 'acme', node: 'node-1', akName, purpose, nonce: new Uint8Array(32).fill(1), transportKeyDigest: `sha256:${digest('11')}`, mtlsKeyDigest: `sha256:${digest('22')}`,
});
const quote = (values: Record<string, string> = { 0: digest('aa'), 7: digest('bb') }, purpose?: EvidencePurpose, knobs = {}): Evidence =>
  ak.quote(evidenceBindingDigest(binding(ak.name, purpose)), [bank(values)], knobs);
const request = (change: Partial<AppraisalRequest> = {}): AppraisalRequest => ({
  evidence: quote(), expected: { akName: ak.name, binding: binding(), hardware: true }, environments: [environment()], engine: new FakePolicy(), profile: 'production', policyDigest: POLICY, now: NOW, ...change,
});
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('appraiseEvidence', () => {
  it('affirms a TPM in a known environment, and says what it saw', () => {
    const engine = new FakePolicy();
    const evidence = quote();
    expect(appraiseEvidence(request({ engine, evidence }))).toEqual({
      status: 'affirming', kind: 'tpm2', vector: { 'instance-identity': 2, executables: 3, hardware: 2 }, environment: 'node-2026-11', akName: ak.name,
      evidenceDigest: canonicalDigest(evidence), appraisedAt: 1795370400, policyDigest: POLICY, reasons: [],
    });
    expect(engine.asked).toEqual([{
      now: 1795370400, profile: 'production', purpose: 'release',
      claims: { kind: 'tpm2', hardware: true, ak_name: ak.name, ak_registered: true, binding_verified: true, clock_safe: true, reset_count: 2, expected_reset_count: 2 },
      environment: { matched: true, name: 'node-2026-11', kind: 'tpm2', expires_at: 1796083200 },
    }]);
  });

  it('tells the policy that software is no hardware and has no clock', () => {
    const engine = new FakePolicy();
    const attester = new FakeSoftwareAttester();
    const own = binding(attester.name, 'renew');
    const evidence = attester.attest(evidenceBindingDigest(own), [bank({ 0: digest('aa') })]);
    const environments = [environment(), environment({ name: 'laptop', kind: 'software', pcrs: { 0: digest('aa') } })];
    const result = appraiseEvidence(request({ engine, evidence, environments, profile: 'development', expected: { akName: attester.name, binding: own, hardware: true } }));
    expect(result).toMatchObject({ status: 'affirming', kind: 'software', environment: 'laptop' });
    expect(engine.asked[0]?.claims).toEqual({ kind: 'software', hardware: false, ak_name: attester.name, ak_registered: true, binding_verified: true, clock_safe: false, reset_count: 0, expected_reset_count: 0 });
  });

  it.each([['says no', false], ['says nothing', undefined]])('calls no TPM hardware when its record %s', (_what, hardware) => {
    const engine = new FakePolicy();
    appraiseEvidence(request({ engine, expected: { akName: ak.name, binding: binding(), hardware: hardware as boolean } }));
    expect(engine.asked[0]?.claims.hardware).toBe(false);
  });

  it.each<[string, Partial<AppraisalRequest>]>([
    ['no environment', { environments: [] }],
    ['one PCR of another environment', { evidence: quote({ 0: digest('aa'), 7: digest('cc') }), environments: [environment(), environment({ name: 'other', pcrs: { 0: digest('dd'), 7: digest('cc') } })] }],
    ['a PCR that was not quoted', { evidence: quote({ 0: digest('aa') }) }],
    ['the resettable PCR alone', { evidence: quote({ 16: digest('00') }) }],
    ['another bank', { environments: [environment({ bank: 'sha384', pcrs: { 0: 'aa'.repeat(48) } })] }],
    ['an environment of another kind', { environments: [environment({ kind: 'software' })] }],
    ['an environment that ends now', { environments: [environment({ expires_at: '2026-11-22T18:00:00Z' })] }],
  ])('contraindicates genuine evidence in %s', (_what, change) => {
    expect(appraiseEvidence(request(change))).toMatchObject({ status: 'contraindicated', environment: null, reasons: ['environment.matched'] });
  });

  it('gives the policy an empty environment when nothing matched', () => {
    const engine = new FakePolicy();
    appraiseEvidence(request({ engine, environments: [] }));
    expect(engine.asked[0]?.environment).toEqual({ matched: false, name: '', kind: 'tpm2', expires_at: 0 });
  });

  it('takes the first environment that holds, and PCRs beyond it', () => {
    const evidence = quote({ 0: digest('aa'), 7: digest('bb'), 10: digest('ee') });
    const environments = [environment({ name: 'old', expires_at: '2026-01-01T00:00:00Z' }), environment({ name: 'first' }), environment({ name: 'second' })];
    expect(appraiseEvidence(request({ evidence, environments })).environment).toBe('first');
  });

  describe('boots', () => {
    it('contraindicates another boot than expected', () => {
      const evidence = quote(undefined, 'release', { resetCount: 3 });
      expect(appraiseEvidence(request({ evidence, boot: { expectedResetCount: 2 } }))).toMatchObject({ status: 'contraindicated', reasons: ['evidence.boot'] });
      expect(appraiseEvidence(request({ evidence, boot: { expectedResetCount: 3 } })).status).toBe('affirming');
    });

    it('refuses to renew without knowing the boot of the release', () => {
      const renewal = { evidence: quote(undefined, 'renew'), expected: { akName: ak.name, binding: binding(ak.name, 'renew'), hardware: true } };
      expect(() => appraiseEvidence(request(renewal))).toThrow(code('appraisal-expectation-malformed'));
      expect(appraiseEvidence(request({ ...renewal, boot: { expectedResetCount: 2 } })).status).toBe('affirming');
    });
  });

  describe('forged or malformed evidence', () => {
    it.each<[string, Partial<AppraisalRequest>, string]>([
      ['for another binding', { expected: { akName: ak.name, binding: { ...binding(), node: 'node-2' }, hardware: true } }, 'tpm-quote-nonce-mismatch'],
      ['for another purpose', { expected: { akName: ak.name, binding: binding(ak.name, 'enrol'), hardware: true } }, 'tpm-quote-nonce-mismatch'],
      ['by another key', { evidence: new FakeAttestationKey().quote(evidenceBindingDigest(binding()), [bank({ 0: digest('aa') })]) }, 'tpm-ak-name-mismatch'],
      ['of no kind', { evidence: { kind: 'sev-snp' } as unknown as Evidence }, 'appraisal-evidence-kind'],
      ['that is absent', { evidence: undefined as unknown as Evidence }, 'appraisal-evidence-kind'],
      ['by a software key under a TPM name', { evidence: new FakeSoftwareAttester().attest(evidenceBindingDigest(binding()), []) }, 'software-key-name-mismatch'],
    ])('throws: %s', (_what, change, refusal) => {
      expect(() => appraiseEvidence(request(change))).toThrow(code(refusal));
    });
  });

  it.each<[string, object]>([
    ['another key than the record', { expected: { akName: new FakeAttestationKey().name, binding: binding() } }], ['no expectation', { expected: undefined }], ['no key', { expected: { binding: binding() } }],
    ['no binding', { expected: { akName: ak.name } }], ['a binding without nonce', { expected: { akName: ak.name, binding: { ...binding(), nonce: undefined } } }],
    ['no policy digest', { policyDigest: undefined }], ['no environments', { environments: undefined }], ['no instant', { now: undefined }], ['an instant that is none', { now: new Date(Number.NaN) }],
  ])('refuses to appraise against %s', (_what, change) => {
    expect(() => appraiseEvidence(request(change as Partial<AppraisalRequest>))).toThrow(code('appraisal-expectation-malformed'));
  });

  it.each<[string, object]>([
    ['no PCRs', { pcrs: {} }], ['PCRs absent', { pcrs: undefined }], ['no name', { name: '' }], ['another kind', { kind: 'sgx' }], ['another bank', { bank: 'sha1' }], ['a PCR beyond 23', { pcrs: { 24: digest('aa') } }],
    ['a digest of another bank', { bank: 'sha384' }], ['a digest in capitals', { pcrs: { 0: digest('AA') } }], ['a digest of another type', { pcrs: { 0: 1 } }], ['no end', { expires_at: undefined }],
    ['an end that is none', { expires_at: '2026-13-01T00:00:00Z' }], ['an end in another zone', { expires_at: '2026-12-01T00:00:00+01:00' }],
  ])('refuses reference values with %s, even beside good ones', (_what, change) => {
    const bad = { ...environment(), ...change };
    expect(() => appraiseEvidence(request({ environments: [environment(), bad] }))).toThrow(code('reference-environment-malformed'));
    expect(() => appraiseEvidence(request({ environments: [environment(), null as unknown as ReferenceEnvironment] }))).toThrow(code('reference-environment-malformed'));
  });

  describe('the policy', () => {
    const answering = (answer: unknown): AppraisalPolicy => ({ decideAppraisal: () => answer as ReturnType<AppraisalPolicy['decideAppraisal']> });
    const yes = { decision: true, status: 'affirming', vector: { executables: 3 }, reasons: [] };

    it.each<[string, object, Partial<AppraisalRequest>]>([
      ['a decision against', { ...yes, decision: false }, {}], ['a reason against', { ...yes, reasons: [{ code: 'x' }] }, {}], ['a trust claim against', { ...yes, vector: { executables: 3, hardware: 32 } }, {}],
      ['a negative trust claim against', { ...yes, vector: { executables: -97 } }, {}], ['no matched environment', yes, { environments: [] }], ['no affirmation in the status', { ...yes, status: 'warning' }, {}],
    ])('is not believed when it affirms with %s', (_what, answer, change) => {
      const result = appraiseEvidence(request({ ...change, engine: answering(answer) }));
      expect(result.status).toBe('contraindicated');
      expect(result.reasons).toContain('policy.contradicts_itself');
    });

    it('may warn, and may say nothing', () => {
      for (const status of ['warning', 'none']) {
        expect(appraiseEvidence(request({ engine: answering({ ...yes, decision: false, status, reasons: [{ code: 'evidence.clock' }], vector: { configuration: -33 } }) }))).toMatchObject({ status, reasons: ['evidence.clock'] });
      }
    });

    it.each([
      ['nothing', undefined], ['no decision', { ...yes, decision: undefined }], ['an unknown status', { ...yes, status: 'good' }], ['no vector', { ...yes, vector: undefined }], ['a list as vector', { ...yes, vector: [] }],
      ['an unknown trust claim', { ...yes, vector: { magic: 2 } }], ['a trust claim beyond AR4SI', { ...yes, vector: { hardware: 128 } }], ['a broken trust claim', { ...yes, vector: { hardware: 2.5 } }],
      ['no reasons', { ...yes, reasons: undefined }], ['a reason without code', { ...yes, reasons: [{}] }], ['a reason that is null', { ...yes, reasons: [null] }],
      ['65 reasons', { ...yes, reasons: Array(65).fill({ code: 'x' }) }],
    ])('has failed when it answers %s', (_what, answer) => {
      expect(() => appraiseEvidence(request({ engine: answering(answer) }))).toThrow(code('appraisal-policy-failed'));
    });

    it('has failed when it throws', () => {
      const engine = { decideAppraisal: (): never => { throw new Error('broken'); } };
      expect(() => appraiseEvidence(request({ engine }))).toThrow(code('appraisal-policy-failed'));
    });
  });

  it('gives a result that cannot be changed', () => {
    expect(Object.isFrozen(appraiseEvidence(request()))).toBe(true);
  });
});
