import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { ENCLAVE as ENCLAVE_KIND, parseStatementValue } from '@strongroom/control-plane-contract';
import { dated, stillGood } from './dated.js';
import { enclaveBody } from './enclave.js';
import { referenceEnvironment } from './environment.js';
import { bundleContent, bundleDigest } from './policy-bundle.js';

const NOW = new Date('2031-05-06T07:08:09Z');
const MEASUREMENT = createHash('sha256').update('agent').digest('hex');

describe('a document that stands', () => {
  const standing = { ...dated('main', 4, NOW), people: [{ id: 'a', roles: ['x'] }] };

  it('is good while it says the same, whatever the order of its members', () => {
    expect(stillGood(standing, { ...standing, people: [{ roles: ['x'], id: 'a' }], version: 9 }, NOW)).toBe(true);
  });

  it('is not when something else is meant, or when it is about to expire', () => {
    expect(stillGood(standing, { ...standing, people: [{ id: 'a', roles: ['y'] }] }, NOW)).toBe(false);
    expect(stillGood(standing, standing, new Date(NOW.getTime() + 340 * 86_400_000))).toBe(false);
    expect(stillGood({ ...standing, expires_at: 'never' }, standing, NOW)).toBe(false);
  });
});

describe('the reference environment of a node', () => {
  it('has the firmware at zero and the agent as one extend of zero gives it', () => {
    const { pcrs, name } = referenceEnvironment('tpm2', MEASUREMENT, NOW);
    const zeros = Buffer.alloc(32);
    expect(name).toBe('swtpm-node');
    expect(pcrs['15']).toBe(createHash('sha256').update(zeros).update(Buffer.from(MEASUREMENT, 'hex')).digest('hex'));
    expect(Object.keys(pcrs).map(Number).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 15]);
    expect(['0', '7'].map((pcr) => pcrs[pcr])).toEqual(['00'.repeat(32), '00'.repeat(32)]);
  });

  it('is the same all year, so that a start signs nothing anew', () => {
    expect(referenceEnvironment('software', MEASUREMENT, NOW)).toEqual(referenceEnvironment('software', MEASUREMENT, new Date('2031-12-31T23:00:00Z')));
  });

  it('refuses a measurement that is none', () => {
    expect(() => referenceEnvironment('tpm2', 'abcd', NOW)).toThrow();
  });
});

describe('the development enclave', () => {
  it('is one the signed document can carry, for the kinds of evidence its nodes give', () => {
    const environments = [referenceEnvironment('software', MEASUREMENT, NOW)];
    const enclave = enclaveBody({ id: 'weight-vault', environments, tenant: 'main', version: 3 });
    const document = parseStatementValue(ENCLAVE_KIND, { type: 'strongroom/enclave/v1', ...dated('main', 3, NOW), enclave });
    expect(document.enclave).toMatchObject({ id: 'weight-vault', version: 3, profile: 'development', lease: { seconds: 6, renew_seconds: 2 }, evidence: { kinds: ['software'], require_hardware: false } });
    expect(document.enclave.budgets).toEqual([{ route: 'release', window_seconds: 86_400, relative_cap: { numerator: 64, denominator: 1 }, absolute_cap_bytes: 8 * 1024 ** 4 }]);
  });

  it('is none without an environment', () => {
    expect(() => enclaveBody({ id: 'weight-vault', environments: [], tenant: 'main', version: 1 })).toThrow();
  });
});

describe('the policy bundle', () => {
  it('is known by its content, and by another digest under each revision', () => {
    expect(bundleContent()).toBe(bundleContent());
    expect(bundleDigest(1)).not.toBe(bundleDigest(2));
  });
});
