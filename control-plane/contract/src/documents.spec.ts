import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import type { Anchors } from './anchors.js';
import { NODE_REGISTRATION, ROSTER, verifyNodeRegistration, verifyRoster, type NodeRegistration, type Roster } from './documents.js';
import type { ContractError } from './errors.js';
import { signStatement, toSignerKey } from './statement.js';

const signers = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
const set = { keys: signers.map(({ publicKey }) => toSignerKey(publicKey)), threshold: 2 };
const anchors = { tenant: 'acme', issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-07-01T00:00:00Z', roots: set, registrars: set } as unknown as Anchors;
// Longer-lived than the anchors: their end is what must count.
const dated = { tenant: 'acme', version: 1, issued_at: '2026-01-01T00:00:00Z', expires_at: '2027-01-01T00:00:00Z' };
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const roster: Roster = { type: 'strongroom/roster/v1', ...dated, people: [{ id: ID, roles: ['approver'], factors: ['owner'], sign_in_keys: [], credentials: [] }] };
const registration: NodeRegistration = { type: 'strongroom/node-registration/v1', ...dated, node: ID, enclave: 'vault', kind: 'software', hardware_id: `sha256:${'ab'.repeat(32)}`, endorsement_roots: [] };
const keys = signers.map(({ privateKey }) => privateKey);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as ContractError).code;
  }
  return 'accepted';
}

describe.each([
  ['a roster', (now: Date) => verifyRoster(signStatement(ROSTER, roster, keys), anchors, now)],
  ['a registration', (now: Date) => verifyNodeRegistration(signStatement(NODE_REGISTRATION, registration, keys), anchors, now)],
])('%s', (_name, verify) => {
  it.each([
    ['2026-06-30T23:59:59Z', 'accepted'],
    ['2026-07-01T00:00:00Z', 'statement-expired'],
    ['2025-12-31T23:58:59Z', 'statement-not-yet-valid'],
  ])('under anchors of the first half of 2026, at %s: %s', (now, code) => {
    expect(codeOf(() => verify(new Date(now)))).toBe(code);
  });
});
