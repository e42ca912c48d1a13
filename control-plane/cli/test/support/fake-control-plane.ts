import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { toBase64url, type DsseEnvelope } from '@strongroom/attestation-encoding';
import {
  assertApprovalFits,
  ContractError,
  httpApi,
  matchQuorum,
  requestDigest,
  requiredFactors,
  shortDigest,
  toSignerKey,
  verifyApproval,
  verifyManifest,
  verifyNodeRegistration,
  weightsDigests,
  type AccessRequest,
  type Approval,
} from '@strongroom/control-plane-contract';
import { NOW, type AuditedWorld } from './audited-world.js';
import { assetDetailOf } from './fake-platform.js';
import { problem, type Answer, type Asked, type FakeServer } from './fake-server.js';

export const SESSION_TOKEN = toBase64url(new Uint8Array(32).fill(5));

/** A control plane in small that behaves: it verifies sign-ins and votes as the real one does, and keeps requests. */
export class FakeControlPlane {
  readonly requests = new Map<string, { request: AccessRequest; approvals: Approval[]; ended?: string }>();
  readonly revoked: { kind: string; id: string; reason: string }[] = [];
  roster: DsseEnvelope;
  manifest: DsseEnvelope;
  policy: DsseEnvelope;
  signedInAs: string | undefined;
  /** What the server shows instead of the truth. */
  lie: (view: Record<string, unknown>) => unknown = (view) => view;
  readonly #usedIds = new Set<string>();

  constructor(
    readonly audited: AuditedWorld,
    readonly server: FakeServer,
    signInKeys: Readonly<Record<string, KeyObject>>,
  ) {
    const { world, request, documents } = audited;
    const keysOf = (id: string) => (signInKeys[id] === undefined ? [] : [toSignerKey(createPublicKey(signInKeys[id]))]);
    this.roster = world.signRoster((roster) => ({ ...roster, people: roster.people.map((person) => ({ ...person, sign_in_keys: keysOf(person.id) })) }));
    this.manifest = documents.manifest;
    this.policy = documents.policy;
    this.requests.set(request.id, { request, approvals: [] });
    this.#serve(signInKeys);
  }

  #serve(signInKeys: Readonly<Record<string, KeyObject>>): void {
    const { world } = this.audited;
    this.server
      .on('GET', /^\/v1\/requests$/, () => ({ json: [...this.requests.keys()].map((id) => this.#view(id)) }))
      .on('POST', /^\/v1\/requests$/, ({ body }) => this.#create(body))
      .on('GET', /^\/v1\/requests\/([^/]+)$/, (_asked, [, id = '']) => (this.requests.has(id) ? { json: this.#view(id) } : undefined))
      .on('GET', /^\/v1\/requests\/([^/]+)\/releases$/, () => ({ json: [] }))
      .on('DELETE', /^\/v1\/requests\/([^/]+)$/, (_asked, [, id = '']) => this.#end(id, 'withdrawn'))
      .on('POST', /^\/v1\/requests\/([^/]+)\/approvals$/, (asked, [, id = '']) => this.#vote(asked, id))
      .on('POST', /^\/v1\/(requests|assets|nodes)\/([^/]+)\/(?:revocation|suspension)$/, ({ body }, [, kind = '', id = '']) => {
        this.revoked.push({ kind, id, reason: (body as { reason: string }).reason });
        return { json: { id, state: kind === 'nodes' ? 'suspended' : 'revoked', log_index: '12' } };
      })
      .on('GET', /^\/v1\/assets$/, () => ({ json: [this.#assetView()] }))
      .on('GET', /^\/v1\/assets\/([^/]+)\/budget$/, (_asked, [, id]) => ({ json: { asset: id, route: 'release', window_seconds: 86_400, used_bytes: 10_000, cap_bytes: 1_000_000 } }))
      .on('GET', /^\/v1\/assets\/([^/]+)$/, () => ({ json: { ...assetDetailOf(this.audited), manifest: this.manifest } }))
      .on('POST', /^\/v1\/assets$/, ({ body }) => this.#proven(() => verifyManifest((body as { manifest: unknown }).manifest, world.anchors.value, NOW), () => ({ status: 201, json: assetDetailOf(this.audited) })))
      .on('GET', /^\/v1\/nodes$/, () => ({ json: [this.#nodeView()] }))
      .on('GET', /^\/v1\/nodes\/([^/]+)$/, () => ({ json: this.#nodeView() }))
      .on('POST', /^\/v1\/nodes$/, ({ body }) => this.#proven(() => verifyNodeRegistration((body as { envelope: unknown }).envelope, world.anchors.value, NOW), () => ({ status: 201, json: this.#nodeView() })))
      .on('GET', /^\/v1\/audit\/entries/, ({ path }) => ({ json: { items: [{ index: '3', leaf_hash: `sha256:${'0'.repeat(64)}`, event: { time: NOW.getTime(), message: `asked ${path}\u001b[31m`, metadata: { event_code: 'approval' } } }], next: '3' } }))
      .on('GET', /^\/v1\/sessions\/current$/, () => ({ json: { person: this.signedInAs, roles: ['approver'], expires_at: '2026-11-22T12:15:00Z' } }))
      .on('DELETE', /^\/v1\/sessions\/current$/, () => {
        this.signedInAs = undefined;
        return { status: 204 };
      })
      // Asked first, since routes added later come before: who are you, and is this the right host?
      .on('GET', /^\/v1\/|^$/, (asked) => this.#gate(asked))
      .on('POST', /^\/v1\//, (asked) => this.#gate(asked))
      .on('DELETE', /^\/v1\//, (asked) => this.#gate(asked))
      .on('GET', /^\/v1\/documents$/, () => ({ json: { anchors: world.anchors.envelope, genesis: world.genesis.envelope, roster: this.roster, policy: this.policy, enclaves: [] } }))
      .on('POST', /^\/v1\/sessions$/, ({ body }) => this.#signIn((body as { assertion: string }).assertion, signInKeys));
  }

  #gate({ authorization, host, method, path }: Asked): Answer | undefined {
    const isApproval = host.startsWith('approve.localhost:');
    const isVote = method === 'POST' && path.endsWith('/approvals');
    if (isApproval !== isVote) return problem(404, 'route-unknown', 'Nothing is served here');
    return this.signedInAs !== undefined && authorization === `Bearer ${SESSION_TOKEN}` ? undefined : problem(401, 'authentication-failed', 'The credential was not accepted');
  }

  #signIn(assertion: string, signInKeys: Readonly<Record<string, KeyObject>>): Answer {
    const [header = '', payload = '', signature = ''] = assertion.split('.');
    const part = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    const claims = part(payload) as { iss: string; sub: string; aud: string; iat: number; exp: number; jti: string };
    const key = signInKeys[claims.sub];
    const now = NOW.getTime() / 1000;
    const good =
      key !== undefined &&
      verify(null, Buffer.from(`${header}.${payload}`), createPublicKey(key), Buffer.from(signature, 'base64url')) &&
      part(header)['kid'] === toSignerKey(createPublicKey(key)).keyid &&
      part(header)['alg'] === 'EdDSA' &&
      claims.iss === claims.sub &&
      claims.aud === this.server.url &&
      claims.iat <= now &&
      claims.exp > now &&
      claims.exp - claims.iat <= 60 &&
      /^[A-Za-z0-9_-]{22,64}$/.test(claims.jti) &&
      !this.#usedIds.has(claims.jti);
    if (!good) return problem(401, 'authentication-failed', 'The credential was not accepted');
    this.#usedIds.add(claims.jti);
    this.signedInAs = claims.sub;
    return { status: 201, json: { person: claims.sub, roles: ['approver'], expires_at: '2026-11-22T12:15:00Z', token: SESSION_TOKEN } };
  }

  #create(body: unknown): Answer {
    const asked = httpApi.createRequest.parse(body);
    const { world, request } = this.audited;
    const made: AccessRequest = { ...request, ...asked, id: world.seed.uuid(`made ${this.requests.size}`), requested_by: this.signedInAs ?? '' };
    this.requests.set(made.id, { request: made, approvals: [] });
    return { status: 201, json: this.#view(made.id) };
  }

  #vote({ body }: Asked, id: string): Answer {
    const kept = this.requests.get(id);
    if (kept === undefined) return problem(404, 'not-found', 'no such request');
    const { world } = this.audited;
    const { tenant, approval: site } = world.anchors.value;
    return this.#proven(
      () => {
        const people = world.documents.roster;
        const vote = verifyApproval(body, { tenant, roster: people, rpId: site.rp_id, origins: site.origins });
        assertApprovalFits(vote, kept.request, requestDigest(kept.request), world.engine.policyDigest, weightsDigests(world.documents.manifest, kept.request.shards));
        if (vote.approver !== this.signedInAs) throw new ContractError('approval-factor', 'somebody else');
        kept.approvals.push(body as Approval);
        if (vote.statement.decision === 'deny') kept.ended = 'denied';
      },
      () => ({ status: 201, json: this.#view(id) }),
    );
  }

  #end(id: string, state: string): Answer | undefined {
    const kept = this.requests.get(id);
    if (kept === undefined) return undefined;
    kept.ended = state;
    return { json: { id, state, log_index: '9' } };
  }

  #proven(check: () => unknown, answer: () => Answer): Answer {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      return problem(400, 'statement-refused', 'A signed statement does not hold', { reasons: [{ code: error.code, message: error.message }] });
    }
    return answer();
  }

  #view(id: string): unknown {
    const kept = this.requests.get(id);
    if (kept === undefined) return undefined;
    const { world } = this.audited;
    const { request, approvals, ended } = kept;
    const manifest = { value: world.documents.manifest };
    const votes = approvals.filter(({ statement }) => statement.decision === 'approve').map(({ statement }) => ({ approver: statement.approver, factor: statement.factor }));
    const quorum = matchQuorum(requiredFactors({ manifest, policyFactors: {} } as never), votes, new Set([request.requested_by]));
    const digest = requestDigest(request);
    return this.lie({
      request,
      digest,
      short_digest: shortDigest(digest),
      state: ended ?? (quorum.complete ? 'approved' : 'awaiting_approvals'),
      uses: 0,
      policy_digest: world.engine.policyDigest,
      weights_digest: weightsDigests(manifest.value, request.shards),
      missing: quorum.missing,
      approvals,
    });
  }

  #assetView(): unknown {
    const { manifest: _, manifest_entry: __, ...view } = assetDetailOf(this.audited);
    return view;
  }

  #nodeView(): unknown {
    const { registration } = this.audited.world.documents;
    return { id: registration.node, enclave: registration.enclave, kind: registration.kind, state: 'registered', hardware_id: registration.hardware_id, ak_name: null, certificate_expires_at: null };
  }
}
