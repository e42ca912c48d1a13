import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { canonicalDigest } from '@strongroom/attestation-encoding';
import type { AttestationResult } from '@strongroom/attestation-model';
import {
  assertQuorum,
  epochSeconds,
  httpApi,
  releaseBytes,
  releaseCaps,
  releasePolicyInput,
  manifestBytes,
  transportKeyDigest,
  type ReleaseAnswer,
  type ReleasePolicyInput,
  type ReleaseStatement,
  type VerifiedReleaseMaterial,
} from '@strongroom/control-plane-contract';
import type { EntityManager } from 'typeorm';
import { AccessService } from '../access/access.service.js';
import type { AccessRequestEntity } from '../access/access-request.entity.js';
import { stateAt } from '../access/request-state.js';
import { AppraisalsService } from '../appraisals/appraisals.service.js';
import { AssetsService } from '../assets/assets.service.js';
import { AuditService } from '../audit/audit.service.js';
import { BudgetsService } from '../budgets/budgets.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { NodesService } from '../nodes/nodes.service.js';
import { PoliciesService } from '../policies/policies.service.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { CrashPoints } from '../platform/crash-points.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Node } from '../platform/principal.js';
import { ReleaseEntity } from './release.entity.js';
import { ReleaseMaterialService, type RequestMaterial } from './release-material.js';
import { moveRelease } from './release-state.js';

type CreateRelease = z.infer<typeof httpApi.createRelease>;
type VerifiedMaterial = VerifiedReleaseMaterial & { readonly binding: { readonly value: { readonly hardware: boolean; readonly mtls_key_digest: string } } };

/**
 * Releases: five proofs, then transaction A (reserve), then the log, then the releaser (transaction B and the keys). The server
 * orders the steps and refuses early; the releaser decides (protocol rules 1 and 5).
 */
@Injectable()
export class ReleasesService {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly crash: CrashPoints,
    private readonly policies: PoliciesService,
    private readonly nodes: NodesService,
    private readonly appraisals: AppraisalsService,
    private readonly assets: AssetsService,
    private readonly budgets: BudgetsService,
    private readonly access: AccessService,
    private readonly material: ReleaseMaterialService,
    private readonly releaser: ReleaserClient,
  ) {}

  /**
   * Releases the requested shards' keys to the connected node. The same `release_id` with the same evidence and transport key
   * picks up where an earlier attempt stopped; nothing is debited twice.
   * @throws StrongroomError `evidence-*` | `release-refused` | `budget-exceeded` | `statement-refused` | `conflict` | `releaser-*` | `log-not-current`
   */
  async release(node: Node, asked: CreateRelease): Promise<ReleaseAnswer> {
    const earlier = await this.database.manager.findOneBy(ReleaseEntity, { id: asked.release_id });
    if (earlier !== null) assertSameRelease(earlier, node, asked);
    const request = await this.requestFor(node, asked.request_id);
    const { raw, asset } = await this.material.gather(request);
    const release = earlier ?? (await this.reserve(node, asked, request, raw));
    const proven = await this.material.prove(raw, asset, release.eventId);
    await this.move(release, 'logged');
    this.crash.at('after-log');
    await this.beginUnwrapping(release);
    const answer = await this.releaser.call('release', {
      release_id: release.id,
      material: proven,
      evidence: asked.evidence,
      nonce: asked.nonce,
      transport_key: asked.transport_key,
      lease_nonce: asked.lease_nonce,
      wrapped_keys: await this.assets.wrappedKeys(asset.entity, request.statement.shards),
    });
    this.crash.at('after-unwrap');
    await this.finish(release);
    this.crash.at('before-answer');
    return { release_id: release.id, material: proven, keys: answer.keys, lease: answer.lease };
  }

  private async requestFor(node: Node, id: string): Promise<AccessRequestEntity> {
    const { entity } = await this.access.get(id);
    // Another node's request is as good as none: it tells nothing of what others may do.
    if (entity.node !== node.id) throw new StrongroomError('not-found', 'no such request for this node');
    return entity;
  }

  /** Proofs, then transaction A: everything that makes the release count, and its log entry, or nothing. */
  private async reserve(node: Node, asked: CreateRelease, request: AccessRequestEntity, raw: RequestMaterial): Promise<ReleaseEntity> {
    const state = stateAt(request, this.clock.now());
    if (state !== 'approved' && state !== 'active') throw new StrongroomError('conflict', `the request is ${state}`);
    const verified: VerifiedMaterial = this.material.verify(raw);
    refuseContractError(() => { assertQuorum(verified); });
    const { result } = await this.appraisals.appraise(node, { purpose: 'release', nonce: asked.nonce, transportKey: asked.transport_key, evidence: asked.evidence });
    if (result.status !== 'affirming') {
      throw new StrongroomError('evidence-refused', undefined, { reasons: result.reasons.map((code) => ({ code, message: 'the evidence was not affirmed' })) });
    }
    const manifestIndex = (await this.audit.waitForEntry((await this.assets.get(request.asset)).entity.eventId)).index;
    const release = await this.database.inTransaction((manager) => this.transactionA(manager, { node, asked, verified, result, manifestIndex: Number(manifestIndex) }));
    this.crash.at('after-reserve');
    return release;
  }

  private async transactionA(
    manager: EntityManager,
    { node, asked, verified, result, manifestIndex }: { node: Node; asked: CreateRelease; verified: VerifiedMaterial; result: AttestationResult; manifestIndex: number },
  ): Promise<ReleaseEntity> {
    const request = await this.access.lock(manager, asked.request_id);
    await this.budgets.lock(manager, request.asset);
    const { windowSeconds } = releaseCaps(verified.enclave.value, manifestBytes(verified.manifest.value));
    const record = await this.nodes.get(node.id, manager);
    const input = releasePolicyInput(verified, {
      now: epochSeconds(this.clock.now()),
      requestState: stateAt(request, this.clock.now()) as 'approved' | 'active',
      uses: request.uses,
      nodeState: record.state as 'enrolled',
      attestation: {
        status: result.status,
        kind: result.kind,
        hardware: verified.binding.value.hardware,
        environment: result.environment ?? '',
        evidence_digest: result.evidenceDigest,
        transport_key_digest: transportKeyDigest(asked.transport_key),
        ak_name: result.akName,
        purpose: 'release',
        appraised_at: result.appraisedAt,
        policy_digest: result.policyDigest,
      },
      manifestLogIndex: manifestIndex,
      usedBytes: await this.budgets.used(request.asset, 'release', windowSeconds, manager),
      reservedBytes: 0,
    });
    this.assertAllowed(input);
    const statement = releaseStatement(asked.release_id, verified, input);
    await this.access.consumeUse(manager, request);
    const { eventId } = await this.audit.record(manager, {
      kind: 'key-release',
      message: `release ${asked.release_id}: ${statement.shards.length} shard keys of asset ${request.asset} to node ${node.id}`,
      chains: [`weights/${request.asset}`, `request/${request.id}`, `node/${node.id}`],
      actor: node,
      statement,
    });
    const release = Object.assign(new ReleaseEntity(), {
      id: asked.release_id, request: request.id, node: node.id, asset: request.asset, state: 'reserved', transportKeyDigest: statement.transport_key_digest,
      evidenceDigest: statement.evidence_digest, statement, eventId, leaseUntil: null, endedAt: null, endReason: null,
    } satisfies ReleaseEntity);
    // The input inside the statement is open-ended JSON, which TypeORM's partial type cannot follow.
    await manager.insert(ReleaseEntity, release as object);
    await this.budgets.debit(manager, { release: release.id, asset: release.asset, route: 'release', bytes: statement.bytes });
    return release;
  }

  private assertAllowed(input: ReleasePolicyInput): void {
    const decision = this.policies.decideRelease(input);
    if (decision.decision) return;
    const overBudget = decision.reasons.some(({ code }) => code === 'budget.room');
    throw new StrongroomError(overBudget ? 'budget-exceeded' : 'release-refused', undefined, { reasons: decision.reasons });
  }

  /** The last look before keys may leave: anything revoked since transaction A stops it here, as it would at the releaser. */
  private async beginUnwrapping(release: ReleaseEntity): Promise<void> {
    await this.database.inTransaction(async (manager) => {
      const request = await this.access.lock(manager, release.request);
      const state = stateAt(request, this.clock.now());
      if (state !== 'active' && state !== 'used') throw new StrongroomError('release-refused', `the request is ${state}`);
      const record = await this.nodes.get(release.node, manager);
      const { entity } = await this.assets.get(release.asset, manager);
      if (record.state !== 'enrolled' || entity.state !== 'registered') throw new StrongroomError('release-refused', 'node or asset was cut off');
      await this.moveIn(manager, release, 'unwrapping');
    });
  }

  private async finish(release: ReleaseEntity): Promise<void> {
    release.leaseUntil = new Date(this.clock.now().getTime() + release.statement.lease.seconds * 1000);
    await this.move(release, 'released');
  }

  private move(release: ReleaseEntity, to: ReleaseEntity['state']): Promise<void> {
    // A retry finds its release further on already.
    if (to === 'logged' && release.state !== 'reserved') return Promise.resolve();
    return this.database.inTransaction((manager) => this.moveIn(manager, release, to));
  }

  private async moveIn(manager: EntityManager, release: ReleaseEntity, to: ReleaseEntity['state']): Promise<void> {
    const row = await manager.findOneOrFail(ReleaseEntity, { where: { id: release.id }, lock: { mode: 'pessimistic_write' } });
    moveRelease(row, to);
    row.leaseUntil = release.leaseUntil;
    await manager.save(row);
    release.state = row.state;
  }
}

/** @throws StrongroomError `conflict`: a release id serves one node, request, transport key and piece of evidence. */
function assertSameRelease(earlier: ReleaseEntity, node: Node, asked: CreateRelease): void {
  const same =
    earlier.node === node.id &&
    earlier.request === asked.request_id &&
    earlier.transportKeyDigest === transportKeyDigest(asked.transport_key) &&
    earlier.evidenceDigest === canonicalDigest(asked.evidence);
  if (!same) throw new StrongroomError('conflict', 'this release id was used for another node, request, key or evidence');
  if (earlier.state === 'ended' || earlier.state === 'refused') throw new StrongroomError('conflict', `the release is ${earlier.state}`);
}

function releaseStatement(releaseId: string, verified: VerifiedMaterial, input: ReleasePolicyInput): ReleaseStatement {
  const { request, manifest } = verified;
  return {
    type: 'strongroom/log/release/v1',
    tenant: request.tenant,
    release_id: releaseId,
    request_id: request.id,
    request_digest: verified.requestDigest,
    action: request.action,
    asset: request.asset,
    manifest_digest: manifest.digest,
    policy_digest: verified.policy.value.policy_digest,
    enclave_digest: verified.enclave.digest,
    roster_digest: verified.roster.digest,
    node: request.node,
    ak_name: verified.akName,
    transport_key_digest: input.attestation.transport_key_digest,
    mtls_key_digest: verified.binding.value.mtls_key_digest,
    evidence_digest: input.attestation.evidence_digest,
    shards: request.shards,
    bytes: releaseBytes(manifest.value, request.shards),
    approvals: verified.approvals.map(({ approver, statement, statementDigest }) => ({ approver, factor: statement.factor, statement_digest: statementDigest })),
    lease: { ...input.lease, not_after: request.not_after },
    input: input as unknown as Record<string, unknown>,
  };
}
