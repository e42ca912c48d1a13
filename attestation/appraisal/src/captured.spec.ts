import { readFileSync } from 'node:fs';
import type { ReferenceEnvironment, Tpm2Evidence, VerifiedClaims } from '@strongroom/attestation-model';
import { verifyTpm2Quote } from '@strongroom/attestation-tpm2';
import { describe, expect, it } from '@jest/globals';
import { matchEnvironment } from './reference-environment.js';

interface Captured {
  readonly ak_name: string;
  readonly evidence: Tpm2Evidence;
}
const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/tpm/node.json', import.meta.url), 'utf8')) as { binding_digest: string; quotes: Record<string, Captured> };
const NOW = new Date('2026-11-22T18:00:00Z');

function claims(which: string): VerifiedClaims {
  const quote = fixture.quotes[which];
  if (quote === undefined) throw new Error('fixture is absent');
  return verifyTpm2Quote(quote.evidence, { akName: quote.ak_name, bindingDigest: new Uint8Array(Buffer.from(fixture.binding_digest, 'hex')) });
}

describe('quotes captured from a TPM, against the environment it booted in', () => {
  const values = claims('ecdsa-p256').pcrs[0]?.values ?? {};
  const reference: ReferenceEnvironment = { name: 'fixture', kind: 'tpm2', bank: 'sha256', pcrs: values, expires_at: '2030-01-01T00:00:00Z' };

  it.each(['ecdsa-p256', 'ecdsa-p384', 'rsassa', 'rsapss', 'two_banks'])('match: %s', (which) => {
    expect(matchEnvironment(claims(which), [reference], NOW)?.name).toBe('fixture');
  });

  it.each(['after_drift', 'after_reboot', 'only_pcr16'])('are genuine and do not match: %s', (which) => {
    expect(matchEnvironment(claims(which), [reference], NOW)).toBeNull();
  });
});
