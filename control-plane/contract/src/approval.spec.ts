import { describe, expect, it } from '@jest/globals';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { encode } from 'cbor2';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { toBase64url } from '@strongroom/attestation-encoding';
import { approvalChallenge, verifyApproval, type ApprovalStatement, type Assertion } from './approval.js';
import type { ContractError } from './errors.js';
import type { Roster } from './documents.js';

const RP = 'approve.localhost';
const ORIGIN = 'http://approve.localhost:7080';
const ALICE = '01890a5d-ac96-774b-bcce-b302099a8057';
const BOB = '01890a5d-ac96-774b-bcce-b302099a8058';
const DIGEST = `sha256:${'ab'.repeat(32)}`;

/** A P-256 authenticator that signs what it is told, right or wrong. */
class Authenticator {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly id = toBase64url(createHash('sha256').update(this.#pair.publicKey.export({ format: 'der', type: 'spki' })).digest());

  get cose(): string {
    const { x, y } = this.#pair.publicKey.export({ format: 'jwk' });
    return toBase64url(encode(new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, new Uint8Array(Buffer.from(x as string, 'base64url'))], [-3, new Uint8Array(Buffer.from(y as string, 'base64url'))]])));
  }

  assert(statement: ApprovalStatement, change: { clientData?: Record<string, unknown>; rpId?: string; flags?: number; tail?: Uint8Array; key?: KeyObject } = {}): Assertion {
    const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge: toBase64url(approvalChallenge(statement)), origin: ORIGIN, crossOrigin: false, ...change.clientData }));
    const authenticatorData = Buffer.concat([
      createHash('sha256').update(change.rpId ?? RP).digest(),
      Buffer.from([change.flags ?? 0x05, 0, 0, 0, 1]),
      change.tail ?? Buffer.alloc(0),
    ]);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
    return {
      credential_id: this.id,
      client_data_json: toBase64url(clientData),
      authenticator_data: toBase64url(authenticatorData),
      signature: toBase64url(sign('sha256', signed, change.key ?? this.#pair.privateKey)),
    };
  }
}

const alice = new Authenticator();
const bob = new Authenticator();
const statement: ApprovalStatement = {
  type: 'strongroom/approval/v1', v: 1, tenant: 'acme', request_id: ALICE, request_digest: DIGEST, decision: 'approve', factor: 'owner', policy_digest: DIGEST,
  weights_digest: [DIGEST], purpose: 'inference', enclave: 'vault', not_before: '2026-01-01T00:00:00Z', not_after: '2026-01-02T00:00:00Z', max_uses: 1,
  nonce: toBase64url(new Uint8Array(32)), approver: ALICE,
};
const roster: Roster = {
  type: 'strongroom/roster/v1', tenant: 'acme', version: 1, issued_at: '2026-01-01T00:00:00Z', expires_at: '2027-01-01T00:00:00Z',
  people: [
    { id: ALICE, roles: ['approver'], factors: ['owner'], sign_in_keys: [], credentials: [{ id: alice.id, public_key: alice.cose, aaguid: '5374726f-6e67-4f6f-8d00-000000000001' }] },
    { id: BOB, roles: ['approver'], factors: ['security'], sign_in_keys: [], credentials: [{ id: bob.id, public_key: bob.cose, aaguid: '5374726f-6e67-4f6f-8d00-000000000001' }] },
  ],
};
const expected = { tenant: 'acme', roster, rpId: RP, origins: [ORIGIN] };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as ContractError).code;
  }
  return 'accepted';
}

describe('verifyApproval', () => {
  it('accepts an assertion over exactly the statement', () => {
    const verified = verifyApproval({ statement, assertion: alice.assert(statement) }, expected);
    expect(verified).toMatchObject({ approver: ALICE, userVerified: true, backupEligible: false });
  });

  it('agrees with an independent WebAuthn verifier', async () => {
    const { credential_id: id, client_data_json: clientDataJSON, authenticator_data: authenticatorData, signature } = alice.assert(statement);
    const { verified } = await verifyAuthenticationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response: { clientDataJSON, authenticatorData, signature } },
      expectedChallenge: toBase64url(approvalChallenge(statement)),
      expectedOrigin: ORIGIN,
      expectedRPID: RP,
      credential: { id, publicKey: new Uint8Array(Buffer.from(alice.cose, 'base64url')), counter: 0 },
      requireUserVerification: true,
    });
    expect(verified).toBe(true);
  });

  const changed = { ...statement, max_uses: 2 };
  const cases: readonly [string, () => unknown, string][] = [
    ['another statement under the same signature', () => ({ statement: changed, assertion: alice.assert(statement) }), 'approval-challenge'],
    ['no challenge', () => ({ statement, assertion: alice.assert(statement, { clientData: { challenge: undefined } }) }), 'approval-challenge'],
    ['another origin', () => ({ statement, assertion: alice.assert(statement, { clientData: { origin: 'http://evil.localhost:7080' } }) }), 'approval-origin'],
    ['no origin', () => ({ statement, assertion: alice.assert(statement, { clientData: { origin: undefined } }) }), 'approval-origin'],
    ['a registration ceremony', () => ({ statement, assertion: alice.assert(statement, { clientData: { type: 'webauthn.create' } }) }), 'approval-malformed'],
    ['crossOrigin true', () => ({ statement, assertion: alice.assert(statement, { clientData: { crossOrigin: true } }) }), 'approval-cross-origin'],
    ['crossOrigin left out', () => ({ statement, assertion: alice.assert(statement, { clientData: { crossOrigin: undefined } }) }), 'approval-cross-origin'],
    ['crossOrigin of the wrong type', () => ({ statement, assertion: alice.assert(statement, { clientData: { crossOrigin: 'false' } }) }), 'approval-cross-origin'],
    ['a top origin', () => ({ statement, assertion: alice.assert(statement, { clientData: { topOrigin: ORIGIN } }) }), 'approval-cross-origin'],
    ['another relying party', () => ({ statement, assertion: alice.assert(statement, { rpId: 'localhost' }) }), 'approval-rp-id'],
    ['nobody present', () => ({ statement, assertion: alice.assert(statement, { flags: 0x04 }) }), 'approval-user-presence'],
    ['no user verification', () => ({ statement, assertion: alice.assert(statement, { flags: 0x01 }) }), 'approval-user-verification'],
    ['a key that may be backed up', () => ({ statement, assertion: alice.assert(statement, { flags: 0x0d }) }), 'approval-backup-eligible'],
    ['a key that is backed up', () => ({ statement, assertion: alice.assert(statement, { flags: 0x15 }) }), 'approval-backup-eligible'],
    ['extension data', () => ({ statement, assertion: alice.assert(statement, { flags: 0x85, tail: Buffer.from([0xa0]) }) }), 'approval-malformed'],
    ['trailing bytes', () => ({ statement, assertion: alice.assert(statement, { tail: Buffer.from([0]) }) }), 'approval-malformed'],
    ["another person's key", () => ({ statement, assertion: { ...bob.assert(statement), credential_id: alice.id } }), 'approval-signature'],
    ["another person's credential", () => ({ statement, assertion: bob.assert(statement) }), 'approval-unknown-credential'],
    ['an unknown credential', () => ({ statement, assertion: new Authenticator().assert(statement) }), 'approval-unknown-credential'],
    ['a factor the person may not fill', () => ({ statement: { ...statement, factor: 'security' }, assertion: alice.assert({ ...statement, factor: 'security' }) }), 'approval-factor'],
    ['another tenant', () => ({ statement: { ...statement, tenant: 'other' }, assertion: alice.assert({ ...statement, tenant: 'other' }) }), 'approval-other-request'],
    ['an unknown member', () => ({ statement: { ...statement, extra: 1 }, assertion: alice.assert(statement) }), 'approval-malformed'],
    ['a missing member', () => ({ statement: { ...statement, nonce: undefined }, assertion: alice.assert(statement) }), 'approval-malformed'],
    ['no assertion', () => ({ statement }), 'approval-malformed'],
    ['nothing at all', () => undefined, 'approval-malformed'],
  ];
  it.each(cases)('refuses %s', (_name, make, code) => {
    expect(codeOf(() => verifyApproval(make(), expected))).toBe(code);
  });

  it('refuses everything where no origin, relying party or person is configured', () => {
    const approval = { statement, assertion: alice.assert(statement) };
    expect(codeOf(() => verifyApproval(approval, { ...expected, origins: [] }))).toBe('approval-origin');
    expect(codeOf(() => verifyApproval(approval, { ...expected, rpId: '' }))).toBe('approval-rp-id');
    expect(codeOf(() => verifyApproval(approval, { ...expected, roster: { ...roster, people: [] } }))).toBe('approval-unknown-credential');
  });
});
