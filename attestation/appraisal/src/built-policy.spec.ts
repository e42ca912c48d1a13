import { evidenceBindingDigest, type EvidenceBinding, type EvidencePurpose, type PcrBank, type ReferenceEnvironment } from '@strongroom/attestation-model';
import { createPolicyEngine, loadBuiltBundle, type PolicyProfile } from '@strongroom/policies-engine';
import { FakeAttestationKey, FakeSoftwareAttester } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { appraiseEvidence } from './appraise.js';

const NOW = new Date('2026-11-22T18:00:00Z');
const pcrs: readonly PcrBank[] = [{ bank: 'sha256', values: { 0: 'aa'.repeat(32), 7: 'bb'.repeat(32) } }];
const ak = new FakeAttestationKey();
const attester = new FakeSoftwareAttester();
const engines = { development: createPolicyEngine({ ...loadBuiltBundle('development'), revision: 1 }), production: createPolicyEngine({ ...loadBuiltBundle('production'), revision: 1 }) };

interface Situation {
  readonly profile: PolicyProfile;
  readonly kind: 'tpm2' | 'software';
  readonly hardware?: boolean;
  readonly purpose?: EvidencePurpose;
  readonly expectedResetCount?: number;
  readonly reference?: string;
  readonly safe?: number;
}

function appraise({ profile, kind, hardware = true, purpose = 'release', expectedResetCount, reference = 'aa', safe = 1 }: Situation): ReturnType<typeof appraiseEvidence> {
  const akName = kind === 'tpm2' ? ak.name : attester.name;
  const binding: EvidenceBinding = { tenant: 'acme', node: 'node-1', akName, purpose, nonce: new Uint8Array(32), transportKeyDigest: `sha256:${'11'.repeat(32)}`, mtlsKeyDigest: `sha256:${'22'.repeat(32)}` };
  const digest = evidenceBindingDigest(binding);
  const environments: ReferenceEnvironment[] = [{ name: 'node-2026-11', kind, bank: 'sha256', pcrs: { 0: reference.repeat(32), 7: 'bb'.repeat(32) }, expires_at: '2026-12-01T00:00:00Z' }];
  const engine = engines[profile];
  const evidence = kind === 'tpm2' ? ak.quote(digest, pcrs, { safe }) : attester.attest(digest, pcrs);
  return appraiseEvidence({
    evidence, expected: { akName, binding, hardware }, environments, engine, profile, policyDigest: engine.policyDigest, now: NOW,
    ...(expectedResetCount !== undefined && { boot: { expectedResetCount } }),
  });
}

describe('appraisal under the built policies', () => {
  it.each<[string, Situation]>([
    ['a vouched TPM in production', { profile: 'production', kind: 'tpm2' }],
    ['the same boot at renewal', { profile: 'production', kind: 'tpm2', purpose: 'renew', expectedResetCount: 2 }],
    ['a simulated TPM in development', { profile: 'development', kind: 'tpm2', hardware: false }],
    ['software in development', { profile: 'development', kind: 'software' }],
    ['software at renewal in development', { profile: 'development', kind: 'software', purpose: 'renew' }],
  ])('affirms %s', (_what, situation) => {
    expect(appraise(situation)).toMatchObject({ status: 'affirming', reasons: [], environment: 'node-2026-11' });
  });

  it('claims no hardware for software, though it affirms it', () => {
    expect(appraise({ profile: 'development', kind: 'software' }).vector.hardware).toBe(0);
  });

  it.each<[string, Situation, string]>([
    ['software in production (sentinel)', { profile: 'production', kind: 'software' }, 'evidence.hardware'],
    ['a TPM that nobody vouches for in production (sentinel)', { profile: 'production', kind: 'tpm2', hardware: false }, 'evidence.hardware'],
    ['other measurements', { profile: 'production', kind: 'tpm2', reference: 'cc' }, 'environment.matched'],
    ['other measurements of software', { profile: 'development', kind: 'software', reference: 'cc' }, 'environment.matched'],
    ['a reboot at renewal', { profile: 'production', kind: 'tpm2', purpose: 'renew', expectedResetCount: 1 }, 'evidence.boot'],
    ['an earlier boot at release', { profile: 'production', kind: 'tpm2', expectedResetCount: 3 }, 'evidence.boot'],
    ['a clock that may have run backwards', { profile: 'production', kind: 'tpm2', safe: 0 }, 'evidence.clock'],
  ])('does not affirm %s', (_what, situation, reason) => {
    const result = appraise(situation);
    expect(result.status).not.toBe('affirming');
    expect(result.reasons).toContain(reason);
    expect(result.reasons).not.toContain('policy.contradicts_itself');
  });
});
