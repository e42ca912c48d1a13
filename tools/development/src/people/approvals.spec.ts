import { createHash, createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { approvalSchema, requestDigest, shortDigest, toInstant, verifyApproval, type AccessRequest, type Manifest, type Roster } from '@strongroom/control-plane-contract';
import { signStatement, POLICY } from '@strongroom/control-plane-contract';
import { uuidv7 } from 'uuidv7';
import { found, type Founding } from '../genesis/found.js';
import { makePlatformKeys } from '../genesis/platform-keys.js';
import { openHome } from '../home/home.js';
import { scratch } from '../testing/scratch.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openPersons } from './person.js';
import { PERSON_NAMES } from './person-names.js';
import { People } from './people.js';
import { signInAssertion } from './session.js';
import { DEVELOPMENT_AAGUID } from './software-authenticator.js';

const DAY = 86_400_000;
const digestOfText = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** A control plane that answers what it is told to, lies included. */
class FakeControlPlane {
  readonly seen: { method: string; path: string; host: string; body: unknown }[] = [];
  answers: Record<string, unknown> = {};
  server: Server | undefined;

  async listen(): Promise<number> {
    this.server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const path = (request.url ?? '').split('?')[0] ?? '';
        this.seen.push({ method: request.method ?? '', path, host: request.headers.host ?? '', body });
        const answer = this.answers[`${request.method} ${path}`];
        response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer ?? { code: 'not-found', detail: 'no such thing' }));
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

describe('an approver', () => {
  const fake = new FakeControlPlane();
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-approver-'));
  let people: People;
  let founding: Founding;
  let request: AccessRequest;
  let manifestEnvelope: DsseEnvelope;

  beforeAll(async () => {
    const home = openHome(folder);
    const port = await fake.listen();
    const now = new Date();
    const facts = await makePlatformKeys(home, { now, approvalOrigins: [`http://approve.localhost:${port}`] });
    founding = found(facts, openPersons(home.people), now);
    people = new People({ peopleFolder: home.people, founding, port });
    const manifest = manifestFor(people);
    manifestEnvelope = people.signManifest(manifest);
    request = requestFor(people, manifest);
  });

  afterAll(() => {
    fake.server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const serve = (changes: { request?: AccessRequest; digest?: string; manifest?: DsseEnvelope; policy?: unknown } = {}) => {
    const shown = changes.request ?? request;
    const { tenant } = people.anchors;
    const policy = { type: 'strongroom/policy/v1', tenant, version: 1, issued_at: toInstant(new Date(Date.now() - 1000)), expires_at: toInstant(new Date(Date.now() + DAY)), profile: 'development', revision: 1, policy_digest: digestOfText('p'), wasm_digest: digestOfText('w'), data_digest: digestOfText('d'), schema_digest: digestOfText('s') } as const;
    const signers = [people.persons['policy-signer-1'], people.persons['policy-signer-2']].map((signer) => signer.privateKey('policy'));
    const view = { request: shown, digest: changes.digest ?? requestDigest(shown), short_digest: shortDigest(requestDigest(shown)), state: 'awaiting_approvals', uses: 0, policy_digest: digestOfText('p'), weights_digest: [], missing: [], approvals: [] };
    fake.seen.length = 0;
    fake.answers = {
      'POST /v1/sessions': { person: people.persons['owner-approver'].id, roles: ['approver'], expires_at: toInstant(new Date(Date.now() + 600_000)), token: 'x'.repeat(43) },
      [`GET /v1/requests/${request.id}`]: view,
      [`POST /v1/requests/${request.id}/approvals`]: { ...view, state: 'approved' },
      [`GET /v1/assets/${request.asset}`]: assetDetail(request, changes.manifest ?? manifestEnvelope),
      'GET /v1/documents': { anchors: founding.anchors, genesis: founding.genesis, roster: null, policy: changes.policy ?? signStatement(POLICY, policy, signers), enclaves: [] },
    };
  };

  it('signs what it computed itself, with a nonce of its own, under the approval host alone', async () => {
    serve();
    const vote = await people.approvers.owner.decide(request.id, 'approve');
    await people.approvers.owner.submit(vote);
    expect(vote.shortDigest).toBe(shortDigest(requestDigest(request)));
    const sent = fake.seen.find(({ path }) => path.endsWith('/approvals'));
    expect(sent?.host).toBe(`approve.localhost:${new URL(people.anchors.approval.origins[0]!).port}`);
    const approval = approvalSchema.parse(sent?.body);
    const roster: Roster = { type: 'strongroom/roster/v1', tenant: people.anchors.tenant, version: 1, issued_at: toInstant(new Date()), expires_at: toInstant(new Date()), people: PERSON_NAMES.map((name) => people.persons[name].rosterEntry()) };
    const verified = verifyApproval(approval, { tenant: people.anchors.tenant, roster, rpId: people.anchors.approval.rp_id, origins: people.anchors.approval.origins });
    expect(verified).toMatchObject({ approver: people.persons['owner-approver'].id, aaguid: DEVELOPMENT_AAGUID, userVerified: true });
    expect(verified.statement).toMatchObject({ request_digest: requestDigest(request), policy_digest: digestOfText('p'), weights_digest: [digestOfText('plain 0')], factor: 'owner' });
    const again = await people.approvers.owner.decide(request.id, 'approve');
    expect(again.approval.statement.nonce).not.toBe(approval.statement.nonce);
  });

  it('signs nothing where the server shows another digest than its request has', async () => {
    serve({ digest: digestOfText('another request') });
    await expect(people.approvers.owner.decide(request.id, 'approve')).rejects.toMatchObject({ code: 'statement-doubtful' });
  });

  it('signs nothing for a request over another manifest than the one two roles signed', async () => {
    serve({ request: { ...request, manifest_digest: digestOfText('another manifest') } });
    await expect(people.approvers.owner.decide(request.id, 'approve')).rejects.toMatchObject({ code: 'statement-doubtful' });
  });

  it('signs nothing where one role alone signed the manifest', async () => {
    const [owner] = manifestEnvelope.signatures;
    serve({ manifest: { ...manifestEnvelope, signatures: [owner!] } });
    await expect(people.approvers.owner.decide(request.id, 'approve')).rejects.toMatchObject({ code: 'manifest-roles' });
  });

  it('signs nothing where no signed policy is shown', async () => {
    serve({ policy: { payloadType: 'x', payload: 'e30', signatures: manifestEnvelope.signatures } });
    await expect(people.approvers.owner.decide(request.id, 'approve')).rejects.toMatchObject({ code: 'statement-malformed' });
  });

  it('tells the server’s code and remedy when it is refused', async () => {
    serve();
    delete fake.answers[`POST /v1/requests/${request.id}/approvals`];
    const vote = await people.approvers.owner.decide(request.id, 'approve');
    await expect(people.approvers.owner.submit(vote)).rejects.toMatchObject({ code: 'request-refused', reason: 'not-found', message: expect.stringContaining('no such thing') });
  });
});

describe('a sign-in assertion', () => {
  const folder = scratch();

  it('is signed by the sign-in key, for one audience, for a minute', () => {
    const person = openPersons(folder()).auditor;
    const jwt = signInAssertion(person, 'http://localhost:7080', new Date('2031-01-01T00:00:00.500Z'));
    const [header = '', claims = '', signature = ''] = jwt.split('.');
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
    expect(read(header)).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: person.signerKey('sign-in').keyid });
    expect(read(claims)).toMatchObject({ iss: person.id, sub: person.id, aud: 'http://localhost:7080', iat: 1_924_992_000, exp: 1_924_992_060, jti: expect.stringMatching(/^[A-Za-z0-9_-]{22,64}$/) });
    const key = createPublicKey({ key: Buffer.from(person.signerKey('sign-in').public_key, 'base64url'), format: 'der', type: 'spki' });
    expect(verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(signInAssertion(person, 'http://localhost:7080', new Date('2031-01-01T00:00:00.500Z'))).not.toBe(jwt);
  });
});

function manifestFor(people: People): Manifest {
  const [kek] = people.anchors.key_service;
  return {
    type: 'strongroom/manifest/v1',
    tenant: people.anchors.tenant,
    version: 1,
    issued_at: toInstant(new Date(Date.now() - 1000)),
    expires_at: toInstant(new Date(Date.now() + DAY)),
    asset: { id: uuidv7(), name: 'A model', class: 'weights', owner: 'research' },
    seal_id: Buffer.alloc(16, 7).toString('base64url'),
    key_epoch: 1,
    container: 'AES256-GCM-HKDF-1MB',
    key_service: { enclave: kek!.enclave, kek: kek!.kek },
    shards: [{ index: 0, path: 'model.safetensors', plaintext_bytes: 10, plaintext_digest: digestOfText('plain 0'), ciphertext_bytes: 20, ciphertext_digest: digestOfText('cipher 0'), key_commitment: digestOfText('key 0') }],
    tensors: { digest: digestOfText('tensors'), count: 1 },
    lineage: [],
    enclaves: [kek!.enclave],
    environments: ['swtpm-node'],
    quorum: { read_shard: { owner: 1, security: 1 } },
    lease: { max_seconds: 60 },
  };
}

function requestFor(people: People, manifest: Manifest): AccessRequest {
  return {
    type: 'strongroom/request/v1',
    id: uuidv7(),
    tenant: people.anchors.tenant,
    asset: manifest.asset.id,
    action: 'read_shard',
    shards: [0],
    node: uuidv7(),
    enclave: 'weight-vault',
    manifest_digest: canonicalDigest(manifest),
    purpose: 'evaluation',
    ticket: 'T-1',
    not_before: toInstant(new Date()),
    not_after: toInstant(new Date(Date.now() + DAY)),
    approve_by: toInstant(new Date(Date.now() + DAY)),
    max_uses: 1,
    requested_by: people.persons.requester.id,
    created_at: toInstant(new Date()),
  };
}

function assetDetail(request: AccessRequest, manifest: DsseEnvelope): unknown {
  return { id: request.asset, name: 'A model', class: 'weights', owner: 'research', state: 'registered', version: 1, manifest_digest: request.manifest_digest, bytes: 10, shards: [], log_index: '7', manifest, manifest_entry: { entry: 'e30', proof: 'proof' } };
}
