import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeAttestationKey, FakeEndorsementAuthority, FakeEndorsementKey } from '@strongroom/attestation-testing';
import { toBase64url } from '@strongroom/attestation-encoding';
import { verifyNodeBinding, type ReleaserOperations } from '@strongroom/control-plane-contract';
import { activationResponse, createFakeTpm, createSoftwareNode, type FakeNode, type SignedWorld } from '@strongroom/tests-fixtures';
import { ReleaserUnderTest } from './support/running-releaser.js';

let releaser: ReleaserUnderTest;
const started: ReleaserUnderTest[] = [];
afterAll(async () => {
  await Promise.all(started.map((each) => each.stop()));
});

async function start(options: Parameters<typeof ReleaserUnderTest.start>[0] = {}): Promise<ReleaserUnderTest> {
  const fresh = await ReleaserUnderTest.start(options);
  started.push(fresh);
  return fresh;
}

type Begin = ReleaserOperations['enrol-begin']['request'];

function beginRequest(world: SignedWorld, change: Partial<Begin> = {}): Begin {
  return { registration: world.signRegistration() as never, endorsement: world.node.endorsement, mtls_key_digest: world.mtlsKeyDigest, csr_digest: world.csrDigest, ...change };
}

function message(world: SignedWorld, node: FakeNode = world.node) {
  return { tenant: world.tenant, node: world.nodeId, ak_name: node.akName, csr_digest: world.csrDigest, mtls_key_digest: world.mtlsKeyDigest };
}

async function answerOf(change: Partial<ReturnType<typeof message>>): Promise<string> {
  const { world, client } = releaser;
  const { enrolment, challenge } = await client.call('enrol-begin', beginRequest(world));
  return client.codeOf('enrol-complete', { enrolment, response: activationResponse(world.node.open(challenge), { ...message(world), ...change }) });
}

describe.each(['software', 'tpm2'] as const)('enrolment of a %s node', (kind) => {
  let here: ReleaserUnderTest;
  beforeAll(async () => {
    here = await start(kind === 'tpm2' ? { node: await createFakeTpm() } : {});
  });
  beforeEach(() => {
    releaser = here;
  });

  it('binds the machine that opens the challenge, and calls no simulation hardware', async () => {
    const { world } = releaser;
    const { value } = verifyNodeBinding(await releaser.enrol(), world.anchors.value, releaser.clock.now());
    expect(value).toMatchObject({ version: 1, node: world.nodeId, kind, hardware: false, hardware_id: world.node.hardwareId, ak_name: world.node.akName, mtls_key_digest: world.mtlsKeyDigest, enclave: 'vault' });
  });

  it('keeps the secret nowhere: not in the answer, the log or the database', async () => {
    const { world, client } = releaser;
    const { challenge } = await client.call('enrol-begin', beginRequest(world));
    const secret = world.node.open(challenge);
    const response = activationResponse(secret, message(world));
    const stored = JSON.stringify(await releaser.rows(`SELECT encode(response_digest, 'hex') AS digest, * FROM enrolment`)) + releaser.logLines.join();
    for (const bytes of [secret, Buffer.from(response, 'base64url')]) {
      expect(stored).not.toContain(Buffer.from(bytes).toString('hex'));
      expect(stored).not.toContain(toBase64url(bytes));
    }
  });

  it.each(['tenant', 'node', 'ak_name', 'csr_digest', 'mtls_key_digest'] as const)('refuses an answer over another %s', async (member) => {
    expect(await answerOf({ [member]: 'another' })).toBe('activation-mismatch');
  });

  it('gives one attempt', async () => {
    const { world, client } = releaser;
    const { enrolment, challenge } = await client.call('enrol-begin', beginRequest(world));
    const right = activationResponse(world.node.open(challenge), message(world));
    expect(await client.codeOf('enrol-complete', { enrolment, response: toBase64url(new Uint8Array(32)) })).toBe('activation-mismatch');
    expect(await client.codeOf('enrol-complete', { enrolment, response: right })).toBe('activation-mismatch');
    expect(await releaser.rows('SELECT id FROM enrolment WHERE id = $1', [enrolment])).toEqual([]);
  });

  it('refuses an answer after five minutes', async () => {
    const { world, client } = releaser;
    const { enrolment, challenge } = await client.call('enrol-begin', beginRequest(world));
    releaser.clock.advance(300);
    expect(await client.codeOf('enrol-complete', { enrolment, response: activationResponse(world.node.open(challenge), message(world)) })).toBe('activation-expired');
  });

  it('refuses a machine that was not registered', async () => {
    const { world, client } = releaser;
    const other = kind === 'tpm2' ? await createFakeTpm() : createSoftwareNode(world.seed.p256('another machine'));
    const node = world.seed.uuid('a node of its own');
    const registration = world.signRegistration((value) => ({ ...value, node, endorsement_roots: [...other.endorsementRoots] }));
    expect(await client.codeOf('enrol-begin', beginRequest(world, { endorsement: other.endorsement, registration: registration as never }))).toBe('node-endorsement');
  });

  it('replaces the binding at the next enrolment, and refuses releases under the old one', async () => {
    const first = await releaser.enrol();
    const second = await releaser.enrol();
    expect(verifyNodeBinding(second, releaser.world.anchors.value, releaser.clock.now()).value.version).toBe(verifyNodeBinding(first, releaser.world.anchors.value, releaser.clock.now()).value.version + 1);
    expect(await releaser.client.codeOf('release', (await releaser.sign({ binding: first })).body)).toBe('node-not-bound');
    expect(await releaser.client.codeOf('release', (await releaser.sign({ binding: second })).body)).toBe('answered');
  });
});

describe('enrolment', () => {
  it('refuses a registration that is signed by one, expired or rolled back', async () => {
    releaser = await start();
    const { world, client } = releaser;
    const begin = (registration: unknown) => client.codeOf('enrol-begin', beginRequest(world, { registration: registration as never }));
    expect(await begin(world.signRegistration((value) => value, world.keys.registrars.slice(0, 1)))).toBe('statement-signature');
    expect(await begin(world.signRegistration((value) => ({ ...value, expires_at: '2020-01-01T00:00:00Z' })))).toBe('statement-expired');
    expect(await begin(world.signRegistration((value) => ({ ...value, version: 2 })))).toBe('answered');
    expect(await begin(world.signRegistration())).toBe('statement-rolled-back');
  });

  it('refuses to finish what a newer registration overtook', async () => {
    releaser = await start();
    const { world, client } = releaser;
    const { enrolment, challenge } = await client.call('enrol-begin', beginRequest(world));
    const response = activationResponse(world.node.open(challenge), message(world));
    // Another node's machine is registered under this node's id, and fails: its registration stays seen all the same.
    const newer = world.signRegistration((value) => ({ ...value, version: 2, hardware_id: `sha256:${'00'.repeat(32)}` }));
    expect(await client.codeOf('enrol-begin', beginRequest(world, { registration: newer as never }))).toBe('node-endorsement');
    expect(await client.codeOf('enrol-complete', { enrolment, response })).toBe('node-registration');
  });

  it('refuses a revoked node, before and after it began', async () => {
    releaser = await start();
    const { world, client } = releaser;
    const { enrolment, challenge } = await client.call('enrol-begin', beginRequest(world));
    await client.call('revoke', { kind: 'node', id: world.nodeId, reason: 'stolen' });
    expect(await client.codeOf('enrol-complete', { enrolment, response: activationResponse(world.node.open(challenge), message(world)) })).toBe('release-revoked');
    expect(await client.codeOf('enrol-begin', beginRequest(world))).toBe('release-revoked');
    expect(await client.codeOf('challenge', { node: world.nodeId, purpose: 'enrol' })).toBe('release-revoked');
  });

  it('refuses a TPM of no registered maker, an AK that could sign anything, and another kind than registered', async () => {
    const authority = await FakeEndorsementAuthority.create();
    const ek = new FakeEndorsementKey('ecc-p256');
    const node = await createFakeTpm({ authority, ek });
    releaser = await start({ node });
    const { world, client } = releaser;
    const begin = (change: Partial<Begin>) => client.codeOf('enrol-begin', beginRequest(world, change));
    const loose = await createFakeTpm({ authority, ek, ak: new FakeAttestationKey('ecdsa-p256', { attributes: ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'sign'] }) });
    expect(await begin({ endorsement: loose.endorsement })).toBe('tpm-ak-attributes');
    const stranger = await createFakeTpm({ ek });
    expect(await begin({ endorsement: stranger.endorsement })).toBe('tpm-ek-path');
    expect(await begin({ endorsement: createSoftwareNode(world.seed.p256('x')).endorsement })).toBe('node-endorsement');
    const { enrolment } = await client.call('enrol-begin', beginRequest(world));
    // Sealed to this EK *and* this AK name: the same TPM with another AK cannot open it.
    const { challenge } = await client.call('enrol-begin', beginRequest(world));
    expect(() => loose.open(challenge)).toThrow('integrity');
    expect(await client.codeOf('enrol-complete', { enrolment, response: toBase64url(new Uint8Array(32)) })).toBe('activation-mismatch');
  });

  it('gives a node without a binding no nonce to release or renew with', async () => {
    releaser = await start();
    for (const purpose of ['release', 'renew'] as const) expect(await releaser.client.codeOf('challenge', { node: releaser.world.nodeId, purpose })).toBe('node-not-bound');
    expect(await releaser.client.codeOf('challenge', { node: releaser.world.nodeId, purpose: 'enrol' })).toBe('answered');
  });
});
