import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import {
  assertApprovalFits,
  httpApi,
  matchQuorum,
  requestDigest,
  strictestFactors,
  toInstant,
  verifyApproval,
  weightsDigests,
  type AccessRequest,
  type Approval,
  type Quorum,
  type VerifiedApproval,
} from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { AssetsService, type Asset } from '../assets/assets.service.js';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { NodesService } from '../nodes/nodes.service.js';
import { PoliciesService } from '../policies/policies.service.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { Database, isUniqueViolation } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Person } from '../platform/principal.js';
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
export class AccessService {
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

  /**
   * Makes a request. What it names must exist and fit; the policy has already said that the person may ask.
   * @throws StrongroomError `conflict` | `not-found` | `input-invalid`
   */
  async create(asked: NewRequest, person: Person): Promise<RequestView & { readonly eventId: string }> {
    const { entity: asset, manifest } = await this.assets.inForce(asked.asset);
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
        const earlier = await manager.findOneBy(ApprovalEntity, { statementDigest: vote.statementDigest });
        if (earlier !== null) return { ...(await this.view(entity, manager)), eventId: earlier.eventId };
        const state = stateAt(entity, this.clock.now());
        if (state !== 'awaiting_approvals' && !(vote.statement.decision === 'deny' && (state === 'approved' || state === 'active' || state === 'used'))) {
          throw new StrongroomError('conflict', `the request is ${state}; it takes no more votes`);
        }
        const { manifest } = await this.assets.get(entity.asset, manager);
        refuseContractError(() => { assertApprovalFits(vote, entity.statement, entity.digest, policy.value.policy_digest, weightsDigests(manifest, entity.statement.shards)); });
        const eventId = await this.count(manager, entity, { vote, approval, person });
        return { ...(await this.view(entity, manager)), eventId };
      });
      if (counted.state === 'denied') await this.tellReleaser(id, 'denied');
      return counted;
    } catch (error) {
      if (isUniqueViolation(error)) throw new StrongroomError('conflict', 'this person has voted on this request already', { cause: error });
      throw error;
    }
  }

  /** Keeps the vote and moves the request by it: in one transaction, so that the last approval and `approved` are one. */
  private async count(manager: EntityManager, entity: AccessRequestEntity, { vote, approval, person }: { vote: VerifiedApproval; approval: Approval; person: Person }): Promise<string> {
    const { decision, factor } = vote.statement;
    const votes = [...(await this.approvalsOf(entity.id, manager)), approval];
    if (decision === 'deny') moveRequest(entity, 'denied');
    else if (this.quorumOf(entity, votes, await this.assets.get(entity.asset, manager)).complete) moveRequest(entity, 'approved');
    const { eventId } = await this.audit.record(manager, {
      kind: 'approval',
      message: `${decision} as ${factor} on request ${entity.id}, which is now ${entity.state}`,
      chains: [`request/${entity.id}`, `weights/${entity.asset}`],
      actor: person,
      detail: { comment: `statement ${vote.statementDigest}` },
    });
    await manager.insert(ApprovalEntity, { statementDigest: vote.statementDigest, request: entity.id, approver: vote.approver, approval, at: this.clock.now(), eventId });
    await manager.save(entity);
    return eventId;
  }

  /**
   * Ends a request and what was released for it: the next renewal is refused. Takes one person and is immediate; asked again, the
   * releaser is told again.
   */
  async revoke(id: string, reason: string, person: Person): Promise<{ readonly eventId: string }> {
    const recorded = await this.database.inTransaction(async (manager) => {
      const entity = await this.lock(manager, id);
      entity.state = stateAt(entity, this.clock.now());
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
      entity.state = stateAt(entity, this.clock.now());
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

  /** Every request for whom policy lets read any, else the person's own. */
  async visibleTo(person: Person): Promise<RequestView[]> {
    const { allowed } = await this.policies.decideOn({ principal: person, action: 'request.read', resource: {}, body: undefined }, {});
    return this.list(allowed ? {} : { requestedBy: person.id });
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
    moveRequest(entity, 'active');
    if (entity.uses === entity.statement.max_uses) moveRequest(entity, 'used');
    await manager.save(entity);
  }

  async approvalsOf(id: string, manager: EntityManager = this.database.manager): Promise<Approval[]> {
    const rows = await manager.find(ApprovalEntity, { where: { request: id }, order: { position: 'ASC' } });
    return rows.map((row) => row.approval);
  }

  private async find(id: string): Promise<AccessRequestEntity> {
    const entity = await this.database.manager.findOneBy(AccessRequestEntity, { id });
    if (entity === null) throw new StrongroomError('not-found', 'no such request');
    return entity;
  }

  private async view(entity: AccessRequestEntity, manager: EntityManager = this.database.manager): Promise<RequestView> {
    const approvals = await this.approvalsOf(entity.id, manager);
    const asset = await this.assets.get(entity.asset, manager);
    return { entity, state: stateAt(entity, this.clock.now()), approvals, quorum: this.quorumOf(entity, approvals, asset), weights: weightsDigests(asset.manifest, entity.statement.shards) };
  }

  private quorumOf(entity: AccessRequestEntity, approvals: readonly Approval[], { manifest }: Asset): Quorum {
    const policyFactors = this.policies.requiredFactors(entity.statement.action);
    if (policyFactors === undefined) throw new StrongroomError('policy-mismatch', 'the policy names no factors for this action');
    const votes = approvals.filter(({ statement }) => statement.decision === 'approve').map(({ statement: { approver, factor } }) => ({ approver, factor }));
    return matchQuorum(strictestFactors(policyFactors, manifest.quorum.read_shard), votes, new Set([entity.requestedBy]));
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
