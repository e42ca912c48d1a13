import { generateKeyPairSync } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import type { AttestationResult } from '@strongroom/attestation-model';
import { SignJWT, type JWTPayload } from 'jose';
import { describe, expect, it } from '@jest/globals';
import { EAR_PROFILE, signEar, verifyEar, type EarSigningOptions, type EarVerificationOptions } from './ear.js';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const NOW = new Date('2026-11-22T18:00:00Z');
const seconds = NOW.getTime() / 1000;
const nonce = new Uint8Array(32).fill(5);
const result: AttestationResult = {
  status: 'affirming', kind: 'tpm2', vector: { 'instance-identity': 2, hardware: 2 }, environment: 'node-2026-11', akName: `000b${'ab'.repeat(32)}`,
  evidenceDigest: `sha256:${'11'.repeat(32)}`, appraisedAt: seconds - 1, policyDigest: `sha256:${'22'.repeat(32)}`, reasons: [],
};
const signing: EarSigningOptions = {
  privateKey: keys.privateKey, keyId: 'verifier-1', issuer: 'https://strongroom.example', audience: 'releaser', lifetimeSeconds: 60, now: NOW, nonce, developer: 'https://strongroom.example', build: 'strongroom 0.1.0',
};
const verification: EarVerificationOptions = { publicKeys: new Map([['verifier-1', keys.publicKey]]), issuer: signing.issuer, audience: signing.audience, now: NOW };
const code = (name: string): unknown => expect.objectContaining({ code: name });
const payloadOf = (jwt: string): JWTPayload => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload;
const good = await signEar(result, signing);
const claims = payloadOf(good);

/** A token that our own key signed, whatever it says. */
const token = (change: object, header: { alg: string; kid?: string } = { alg: 'ES256', kid: 'verifier-1' }): Promise<string> =>
  new SignJWT({ ...claims, ...change }).setProtectedHeader(header).sign(keys.privateKey);
const submodule = (change: object, kind = 'tpm2'): object => ({ submods: { [kind]: { ...(claims['submods'] as Record<string, object>)['tpm2'], ...change } } });
const verifierClaims = (change: object): object => submodule({ ear_verifier_claims: { ak_name: result.akName, appraised_at: result.appraisedAt, environment: 'e', evidence_digest: result.evidenceDigest, reasons: [], ...change } });

describe('signEar', () => {
  it('writes the claims of draft-ietf-rats-ear-04', () => {
    expect(claims).toEqual({
      eat_profile: 'tag:ietf.org,2026:rats/ear#04', eat_nonce: toBase64url(nonce), iss: signing.issuer, aud: 'releaser', iat: seconds, exp: seconds + 60,
      ear_verifier_id: { developer: signing.developer, build: signing.build },
      submods: {
        tpm2: {
          ear_status: 'affirming', ear_trustworthiness_vector: { 'instance-identity': 2, hardware: 2 }, ear_appraisal_policy_ids: [result.policyDigest],
          ear_verifier_claims: { ak_name: result.akName, appraised_at: seconds - 1, environment: 'node-2026-11', evidence_digest: result.evidenceDigest, reasons: [] },
        },
      },
    });
  });

  it('leaves out a vector without claims, which the draft does not allow', async () => {
    const jwt = await signEar({ ...result, vector: {} }, signing);
    expect(payloadOf(jwt)['submods']).not.toHaveProperty('tpm2.ear_trustworthiness_vector');
    expect((await verifyEar(jwt, verification)).result.vector).toEqual({});
  });

  it.each<[string, object]>([
    ['no key id', { keyId: '' }], ['no issuer', { issuer: '' }], ['no audience', { audience: undefined }], ['no developer', { developer: '' }], ['no build', { build: '' }], ['no lifetime', { lifetimeSeconds: undefined }],
    ['a lifetime of nothing', { lifetimeSeconds: 0 }], ['a lifetime beyond an hour', { lifetimeSeconds: 3601 }], ['no nonce', { nonce: undefined }], ['a short nonce', { nonce: new Uint8Array(16) }], ['no instant', { now: undefined }],
    ['an instant that is none', { now: new Date(Number.NaN) }], ['no key', { privateKey: undefined }], ['a public key', { privateKey: keys.publicKey }],
    ['a key on another curve', { privateKey: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey }], ['an Ed25519 key', { privateKey: generateKeyPairSync('ed25519').privateKey }],
  ])('refuses to sign with %s', async (_what, change) => {
    await expect(signEar(result, { ...signing, ...change })).rejects.toThrow(code('ear-options-malformed'));
  });
});

describe('verifyEar', () => {
  it('gives back what was signed, good or bad', async () => {
    expect(await verifyEar(good, verification)).toEqual({ result, nonce, issuedAt: NOW, expiresAt: new Date('2026-11-22T18:01:00Z') });
    const bad: AttestationResult = { ...result, kind: 'software', status: 'contraindicated', environment: null, reasons: ['environment.matched'], vector: { executables: 97 } };
    expect((await verifyEar(await signEar(bad, signing), verification)).result).toEqual(bad);
  });

  it('ends on the second it says', async () => {
    expect(await verifyEar(good, { ...verification, now: new Date('2026-11-22T18:00:59Z') })).toBeDefined();
    await expect(verifyEar(good, { ...verification, now: new Date('2026-11-22T18:01:00Z') })).rejects.toThrow(code('ear-expired'));
  });

  it.each<[string, object, string]>([
    ['from the future', { iat: seconds + 1, exp: seconds + 60 }, 'ear-expired'], ['without start', { iat: undefined }, 'ear-expired'], ['without end', { exp: undefined }, 'ear-expired'], ['with an end in text', { exp: '1' }, 'ear-expired'],
    ['that ends before it starts', { iat: seconds, exp: seconds }, 'ear-expired'], ['that lives beyond an hour', { exp: seconds + 3601 }, 'ear-expired'], ['that is not valid yet', { nbf: seconds + 5 }, 'ear-expired'],
    ['for another audience', { aud: 'server' }, 'ear-audience'], ['for no audience', { aud: undefined }, 'ear-audience'], ['for several audiences', { aud: ['releaser', 'server'] }, 'ear-audience'],
    ['by another issuer', { iss: 'https://other.example' }, 'ear-issuer'], ['by no issuer', { iss: undefined }, 'ear-issuer'],
    ['of another profile', { eat_profile: 'tag:github.com,2023:veraison/ear' }, 'ear-profile'], ['of no profile', { eat_profile: undefined }, 'ear-profile'],
    ['without nonce', { eat_nonce: undefined }, 'ear-malformed'], ['with a short nonce', { eat_nonce: 'AAAA' }, 'ear-malformed'], ['with several nonces', { eat_nonce: [toBase64url(nonce)] }, 'ear-malformed'],
    ['without submodules', { submods: undefined }, 'ear-malformed'], ['with a list of submodules', { submods: [] }, 'ear-malformed'], ['with no submodule', { submods: {} }, 'ear-malformed'],
    ['with two submodules', { submods: { tpm2: {}, software: {} } }, 'ear-malformed'], ['with a submodule that is text', { submods: { tpm2: 'affirming' } }, 'ear-malformed'],
    ['of an unknown kind', submodule({}, 'sgx'), 'ear-malformed'], ['without status', submodule({ ear_status: undefined }), 'ear-malformed'], ['with a status in numbers', submodule({ ear_status: 2 }), 'ear-malformed'],
    ['with a vector beyond AR4SI', submodule({ ear_trustworthiness_vector: { hardware: 200 } }), 'ear-malformed'], ['without policy', submodule({ ear_appraisal_policy_ids: undefined }), 'ear-malformed'],
    ['with two policies', submodule({ ear_appraisal_policy_ids: [result.policyDigest, result.policyDigest] }), 'ear-malformed'], ['with a policy that is no digest', submodule({ ear_appraisal_policy_ids: ['default'] }), 'ear-malformed'],
    ['without verifier claims', submodule({ ear_verifier_claims: undefined }), 'ear-malformed'], ['without AK name', verifierClaims({ ak_name: undefined }), 'ear-malformed'],
    ['without evidence digest', verifierClaims({ evidence_digest: undefined }), 'ear-malformed'], ['without instant', verifierClaims({ appraised_at: undefined }), 'ear-malformed'],
    ['with an environment that is no name', verifierClaims({ environment: 1 }), 'ear-malformed'], ['without reasons', verifierClaims({ reasons: undefined }), 'ear-malformed'], ['with a reason that is no code', verifierClaims({ reasons: [1] }), 'ear-malformed'],
    ['affirming with a reason against', verifierClaims({ reasons: ['x'] }), 'ear-malformed'], ['affirming outside any environment', verifierClaims({ environment: null }), 'ear-malformed'],
  ])('refuses a result %s, though signed', async (_what, change, refusal) => {
    await expect(verifyEar(await token(change), verification)).rejects.toThrow(code(refusal));
  });

  it('refuses another key under a known id, an unknown id and none', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expect(verifyEar(await signEar(result, { ...signing, privateKey: other.privateKey }), verification)).rejects.toThrow(code('ear-signature'));
    await expect(verifyEar(await signEar(result, { ...signing, keyId: 'verifier-2' }), verification)).rejects.toThrow(code('ear-key-unknown'));
    await expect(verifyEar(await token({}, { alg: 'ES256' }), verification)).rejects.toThrow(code('ear-key-unknown'));
  });

  it('refuses other algorithms, whatever key is filed', async () => {
    const header = (alg: string): string => Buffer.from(JSON.stringify({ alg, kid: 'verifier-1' })).toString('base64url');
    const [, payload, signature] = good.split('.');
    await expect(verifyEar(`${header('none')}.${payload}.`, verification)).rejects.toThrow(code('ear-signature'));
    await expect(verifyEar(`${header('HS256')}.${payload}.${signature}`, verification)).rejects.toThrow(code('ear-signature'));
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'verifier-1' }).sign(p384.privateKey);
    await expect(verifyEar(foreign, { ...verification, publicKeys: new Map([['verifier-1', p384.publicKey]]) })).rejects.toThrow(code('ear-key-unknown'));
  });

  it('refuses a payload that was changed', async () => {
    const [header, , signature] = good.split('.');
    const changed = Buffer.from(JSON.stringify({ ...claims, exp: seconds + 600 })).toString('base64url');
    await expect(verifyEar(`${header}.${changed}.${signature}`, verification)).rejects.toThrow(code('ear-signature'));
  });

  it.each<[string, unknown]>([['nothing', undefined], ['an empty text', ''], ['text', 'abc'], ['two parts', 'a.b'], ['more than 16 KiB', 'a'.repeat(17_000)]])('refuses %s in place of a token', async (_what, jwt) => {
    await expect(verifyEar(jwt as string, verification)).rejects.toThrow(code('ear-malformed'));
  });

  it('refuses a token whose payload is no JSON', async () => {
    const [header, , signature] = good.split('.');
    await expect(verifyEar(`${header}.AAAA.${signature}`, verification)).rejects.toThrow(code('ear-signature'));
    await expect(verifyEar(`${header}.${signing.audience}`, verification)).rejects.toThrow(code('ear-malformed'));
  });

  it.each<[string, object]>([['no key', { publicKeys: new Map() }], ['no issuer', { issuer: '' }], ['no audience', { audience: undefined }], ['no instant', { now: new Date(Number.NaN) }]])('refuses to verify with %s', async (_what, change) => {
    await expect(verifyEar(good, { ...verification, ...change })).rejects.toThrow(code('ear-options-malformed'));
  });

  it('has the profile it writes', () => {
    expect(EAR_PROFILE).toBe(claims['eat_profile']);
  });
});
