import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import {
  assertApprovalFits,
  epochSeconds,
  httpApi,
  matchQuorum,
  requestDigest,
  requiredFactors,
  toInstant,
  verifyApproval,
  weightsDigests,
  type AccessRequest,
  type Approval,
  type Factor,
  type Quorum,
  type RequiredFactors,
} from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { AssetsService } from '../assets/assets.service.js';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { NodesService } from '../nodes/nodes.service.js';
import { PoliciesService, type AccessContext } from '../policies/policies.service.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { Database, isUniqueViolation } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { AccessQuestion, Person } from '../platform/principal.js';
import { Randomness } from '../platform/randomness.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { AccessRequestEntity, ApprovalEntity } from './access-request.entity.js';
import { moveRequest, stateAt, type RequestState } from './request-state.js';

export type NewRequest = z.infer<typeof httpApi.createRequest>;

/** A request as people see it: what was asked, who signed, what is missing. */
export interface RequestView {
  readonly entity: AccessRequestEntity;
  readonly state: RequestState;
  readonly approvals: readonly Approval[];
  readonly quorum: Quorum;
  readonly weights: readonly string[];
}

/** Requests for access: asked for by one person, signed by others, ended by anyone who may. */
@Injectable()
export class AccessService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly policies: PoliciesService,
    private readonly nodes: NodesService,
    private readonly assets: AssetsService,
    private readonly releaser: ReleaserClient,
  ) {}

  /** Tells the policy what only this domain knows of a request. */
  onModuleInit(): void {
    this.policies.resolveContext('request.create', (question) => this.contextOfNew(question));
    for (const action of ['request.approve', 'request.deny', 'request.withdraw'] as const) {
      this.policies.resolveContext(action, (question) => this.contextOfVote(question));
    }
  }

  private async contextOfNew({ body, principal }: AccessQuestion): Promise<AccessContext> {
    const parsed = httpApi.createRequest.safeParse(body);
    // A malformed body gets its own answer later; until then it is about nothing, which policy refuses.
    if (!parsed.success) throw new StrongroomError('input-invalid', undefined, { faults: parsed.error.issues.slice(0, 50).map(({ path, message }) => ({ path: `/${path.join('/')}`, message })) });
    const { asset, purpose, ticket, not_before, not_after } = parsed.data;
    const { manifest } = await this.assets.get(asset);
    return {
      requester: principal.kind === 'person' ? principal.id : '',
      purpose,
      ticket,
      window_seconds: epochSeconds(not_after) - epochSeconds(not_before),
      factors: Object.keys(manifest.value.quorum.read_shard),
    };
  }

  private async contextOfVote({ resource, principal }: AccessQuestion): Promise<AccessContext> {
    const request = await this.find(resource['request'] ?? '');
    const roster = await this.documents.required('roster', this.trust.tenant);
    const factors = principal.kind === 'person' ? (roster.value.people.find(({ id }) => id === principal.id)?.factors ?? []) : [];
    return { requester: request.requestedBy, factors };
  }

  /**
   * Makes a request. What it names must exist and fit; the policy has already said that the person may ask.
   * @throws StrongroomError `conflict` | `not-found` | `input-invalid`
   */
  async create(asked: NewRequest, person: Person): Promise<RequestView & { readonly eventId: string }> {
    const { entity: asset, manifest } = await this.assets.get(asked.asset);
    const node = await this.nodes.get(asked.node);
    const policy = await this.policies.inForce();
    const now = this.clock.now();
    if (asset.state !== 'registered') throw new StrongroomError('conflict', 'the asset is revoked');
    if (!manifest.value.enclaves.includes(node.enclave)) throw new StrongroomError('conflict', `the manifest does not allow enclave ${node.enclave}`);
    if (asked.shards.some((index) => manifest.value.shards[index] === undefined)) throw new StrongroomError('input-invalid', 'the asset has no such shard', { faults: [{ path: '/shards', message: 'names a shard the asset does not have' }] });
    assertClocks(asked, now);
    const statement: AccessRequest = {
      type: 'strongroom/request/v1',
      id: this.randomness.uuid(),
      tenant: this.trust.tenant,
      ...asked,
      shards: [...new Set(asked.shards)].sort((a, b) => a - b),
      enclave: node.enclave,
      manifest_digest: manifest.digest,
      requested_by: person.id,
      created_at: toInstant(now),
    };
    const entity = Object.assign(new AccessRequestEntity(), {
      id: statement.id, digest: requestDigest(statement), statement, state: 'awaiting_approvals', uses: 0, node: node.id, asset: asset.id, requestedBy: person.id, policyDigest: policy.value.policy_digest,
    } satisfies AccessRequestEntity);
    const { eventId } = await this.database.inTransaction(async (manager) => {
      await manager.insert(AccessRequestEntity, entity);
      return this.audit.record(manager, {
        kind: 'request-created',
        message: `request ${entity.id} for ${statement.shards.length} shards of asset ${asset.id}`,
        chains: [`request/${entity.id}`, `weights/${asset.id}`],
        actor: person,
        detail: { comment: `purpose ${statement.purpose}; request digest ${entity.digest}` },
      });
    });
    return { ...(await this.view(entity)), eventId };
  }

  /**
   * Counts a signed vote. One denial is final. The vote must be the signed-in person's own.
   * @throws StrongroomError `statement-refused` (the contract's code as its reason) | `approval-refused` | `conflict`
   */
  async submitApproval(id: string, approval: Approval, person: Person): Promise<RequestView & { readonly eventId: string }> {
    const roster = await this.documents.required('roster', this.trust.tenant);
    const { approval: site } = this.trust.value;
    const vote = refuseContractError(() => verifyApproval(approval, { tenant: this.trust.tenant, roster: roster.value, rpId: site.rp_id, origins: site.origins }));
    if (vote.approver !== person.id || vote.statement.request_id !== id) throw new StrongroomError('approval-refused', 'the approval is for another person or request');
    const policy = await this.policies.inForce();
    try {
      const counted = await this.database.inTransaction(async (manager) => {
        const entity = await this.lock(manager, id);
        const state = stateAt(entity, this.clock.now());
        if (state !== 'awaiting_approvals' && !(vote.statement.decision === 'deny' && (state === 'approved' || state === 'active'))) {
          throw new StrongroomError('conflict', `the request is ${state}; it takes no more votes`);
        }
        const { manifest } = await this.assets.get(entity.asset, manager);
        refuseContractError(() => { assertApprovalFits(vote, entity.statement, entity.digest, policy.value.policy_digest, weightsDigests(manifest.value, entity.statement.shards)); });
        await manager.insert(ApprovalEntity, { statementDigest: vote.statementDigest, request: id, approver: vote.approver, approval, at: this.clock.now() });
        const view = await this.view(entity, manager);
        if (vote.statement.decision === 'deny') moveRequest(entity, 'denied');
        else if (view.quorum.complete) moveRequest(entity, 'approved');
        await manager.save(entity);
        const { eventId } = await this.audit.record(manager, {
          kind: 'approval',
          message: `${vote.statement.decision} as ${vote.statement.factor} on request ${id}, which is now ${entity.state}`,
          chains: [`request/${id}`, `weights/${entity.asset}`],
          actor: person,
          detail: { comment: `statement ${vote.statementDigest}` },
        });
        return { ...view, entity, state: entity.state, eventId };
      });
      if (counted.state === 'denied') await this.tellReleaser(id, 'denied');
      return counted;
    } catch (error) {
      if (isUniqueViolation(error)) throw new StrongroomError('conflict', 'this person has voted on this request already', { cause: error });
      throw error;
    }
  }

  /** Ends a request and what was released for it: the next renewal is refused. Takes one person and is immediate. */
  async revoke(id: string, reason: string, person: Person): Promise<{ readonly eventId: string }> {
    const recorded = await this.database.inTransaction(async (manager) => {
      const entity = await this.lock(manager, id);
      moveRequest(entity, 'revoked');
      await manager.save(entity);
      return this.audit.record(manager, { kind: 'access-revoked', message: `request ${id} is revoked: ${reason}`, chains: [`request/${id}`, `weights/${entity.asset}`], actor: person, severity: 'medium' });
    });
    await this.tellReleaser(id, reason);
    return recorded;
  }

  /** The requester takes a request back before it is used. */
  async withdraw(id: string, person: Person): Promise<{ readonly eventId: string }> {
    const recorded = await this.database.inTransaction(async (manager) => {
      const entity = await this.lock(manager, id);
      moveRequest(entity, 'withdrawn');
      await manager.save(entity);
      return this.audit.record(manager, { kind: 'request-change', message: `request ${id} is withdrawn`, chains: [`request/${id}`], actor: person });
    });
    await this.tellReleaser(id, 'withdrawn');
    return recorded;
  }

  /** The releaser keeps its own record, so that a server that forgets cannot make it forget. */
  private async tellReleaser(id: string, reason: string): Promise<void> {
    await this.releaser.call('revoke', { kind: 'request', id, reason });
  }

  async get(id: string): Promise<RequestView> {
    return this.view(await this.find(id));
  }

  async list(filter: { readonly node?: string; readonly requestedBy?: string } = {}): Promise<RequestView[]> {
    const where = { ...(filter.node === undefined ? {} : { node: filter.node }), ...(filter.requestedBy === undefined ? {} : { requestedBy: filter.requestedBy }) };
    const entities = await this.database.manager.find(AccessRequestEntity, { where, order: { id: 'DESC' }, take: 200 });
    return Promise.all(entities.map((entity) => this.view(entity)));
  }

  /** Locks a request row until the transaction ends. @throws StrongroomError `not-found` */
  async lock(manager: EntityManager, id: string): Promise<AccessRequestEntity> {
    const entity = await manager.findOne(AccessRequestEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (entity === null) throw new StrongroomError('not-found', 'no such request');
    return entity;
  }

  /** Takes one use: part of transaction A of a release. @throws StrongroomError `conflict` */
  async consumeUse(manager: EntityManager, entity: AccessRequestEntity): Promise<void> {
    const state = stateAt(entity, this.clock.now());
    if (state !== 'approved' && state !== 'active') throw new StrongroomError('conflict', `the request is ${state}`);
    if (entity.uses >= entity.statement.max_uses) throw new StrongroomError('conflict', 'the request is used up');
    entity.uses += 1;
    if (entity.state !== 'active') moveRequest(entity, 'active');
    await manager.save(entity);
  }

  async approvalsOf(id: string, manager: EntityManager = this.database.manager): Promise<Approval[]> {
    const rows = await manager.find(ApprovalEntity, { where: { request: id }, order: { position: 'ASC' } });
    return rows.map((row) => row.approval);
  }

  private async find(id: string): Promise<AccessRequestEntity> {
    const entity = /^[0-9a-f-]{36}$/.test(id) ? await this.database.manager.findOneBy(AccessRequestEntity, { id }) : null;
    if (entity === null) throw new StrongroomError('not-found', 'no such request');
    return entity;
  }

  private async view(entity: AccessRequestEntity, manager: EntityManager = this.database.manager): Promise<RequestView> {
    const approvals = await this.approvalsOf(entity.id, manager);
    const { manifest } = await this.assets.get(entity.asset, manager);
    const policyFactors = this.policies.requiredFactors(entity.statement.action) as RequiredFactors | undefined;
    if (policyFactors === undefined) throw new StrongroomError('policy-mismatch', 'the policy names no factors for this action');
    const votes = approvals
      .filter(({ statement }) => statement.decision === 'approve')
      .map(({ statement }) => ({ approver: statement.approver, factor: statement.factor as Factor }));
    const quorum = matchQuorum(requiredFactors({ manifest, policyFactors }), votes, new Set([entity.requestedBy]));
    return { entity, state: stateAt(entity, this.clock.now()), approvals, quorum, weights: weightsDigests(manifest.value, entity.statement.shards) };
  }
}

/** @throws StrongroomError `input-invalid` */
function assertClocks(asked: NewRequest, now: Date): void {
  const [from, to, by] = [asked.not_before, asked.not_after, asked.approve_by].map((instant) => Date.parse(instant)) as [number, number, number];
  const faults = [
    ...(from < to ? [] : [{ path: '/not_after', message: 'must come after not_before' }]),
    ...(now.getTime() < to ? [] : [{ path: '/not_after', message: 'lies in the past' }]),
    ...(now.getTime() < by && by <= to ? [] : [{ path: '/approve_by', message: 'must lie in the future and not after not_after' }]),
  ];
  if (faults.length > 0) throw new StrongroomError('input-invalid', undefined, { faults });
}
