import { Injectable } from '@nestjs/common';
import type { AttestationResult } from '@strongroom/attestation-model';
import {
  assertQuorum,
  epochSeconds,
  releaseCaps,
  releasePolicyInput,
  manifestBytes,
  transportKeyDigest,
  type ReleaseAnswer,
  type ReleasePolicyInput,
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
import { Database, isUniqueViolation } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Node } from '../platform/principal.js';
import { ReleaseEntity } from './release.entity.js';
import { ReleaseMaterialService, type RequestMaterial } from './release-material.js';
import { isPast, moveRelease } from './release-state.js';
import { assertSameRelease, releaseStatement, type AskedRelease, type VerifiedMaterial } from './release-statement.js';

// Releases that pass each other need one more proof for each that was faster.
const PROOF_ATTEMPTS = 16;

/**
 * Releases: five proofs, then transaction A (reserve), then the log, then the releaser (transaction B and the keys). The server
 * orders the steps and refuses early; the releaser decides (protocol rules 1 and 5).
 */
@Injectable()
export class ReleasesService {
  /** The last request for each release id that is being answered: a second one waits for it, then finds what it left. */
  readonly #underWay = new Map<string, Promise<unknown>>();

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
  async release(node: Node, asked: AskedRelease): Promise<ReleaseAnswer> {
    const id = asked.release_id;
    const before = this.#underWay.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.releaseInTurn(node, asked));
    this.#underWay.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#underWay.get(id) === mine) this.#underWay.delete(id);
    }
  }

  private async releaseInTurn(node: Node, asked: AskedRelease): Promise<ReleaseAnswer> {
    const earlier = await this.database.manager.findOneBy(ReleaseEntity, { id: asked.release_id });
    if (earlier !== null) assertSameRelease(earlier, node, asked);
    const request = await this.requestFor(node, asked.request_id);
    const { raw, asset } = await this.material.gather(request);
    const release = earlier ?? (await this.reserve(node, asked, request, raw));
    let material = await this.material.prove(raw, asset, release.eventId);
    await this.move(release, 'logged');
    this.crash.at('after-log');
    await this.beginUnwrapping(release);
    this.crash.at('before-unwrap');
    const wrapped_keys = await this.assets.wrappedKeys(asset.entity, request.statement.shards);
    const { release_id, evidence, nonce, transport_key, lease_nonce } = asked;
    for (let attempt = 1; ; attempt++) {
      try {
        const { keys, lease } = await this.releaser.call('release', { release_id, material, evidence, nonce, transport_key, lease_nonce, wrapped_keys });
        this.crash.at('after-unwrap');
        await this.finish(release);
        this.crash.at('before-answer');
        return { release_id, material, keys, lease };
      } catch (error) {
        // Another release, proven under a newer checkpoint, was there first: nothing was decided about this one.
        if (!isRefusal(error, 'log-rolled-back') || attempt === PROOF_ATTEMPTS) throw error;
        material = await this.material.prove(raw, asset, release.eventId);
      }
    }
  }

  private async requestFor(node: Node, id: string): Promise<AccessRequestEntity> {
    const { entity } = await this.access.get(id);
    // Another node's request is as good as none: it tells nothing of what others may do.
    if (entity.node !== node.id) throw new StrongroomError('not-found', 'no such request for this node');
    return entity;
  }

  /** Proofs, then transaction A: everything that makes the release count, and its log entry, or nothing. */
  private async reserve(node: Node, asked: AskedRelease, request: AccessRequestEntity, raw: RequestMaterial): Promise<ReleaseEntity> {
    const state = stateAt(request, this.clock.now());
    if (state !== 'approved' && state !== 'active') throw new StrongroomError('conflict', `the request is ${state}`);
    const verified: VerifiedMaterial = this.material.verify(raw);
    refuseContractError(() => { assertQuorum(verified); });
    const { result } = await this.appraisals.appraise(node, { purpose: 'release', nonce: asked.nonce, transportKey: asked.transport_key, evidence: asked.evidence });
    if (result.status !== 'affirming') {
      throw new StrongroomError('evidence-refused', undefined, { reasons: result.reasons.map((code) => ({ code, message: 'the evidence was not affirmed' })) });
    }
    const manifestIndex = (await this.audit.waitForEntry((await this.assets.get(request.asset)).entity.eventId)).index;
    try {
      const release = await this.database.inTransaction((manager) => this.transactionA(manager, { node, asked, verified, result, manifestIndex: Number(manifestIndex) }));
      this.crash.at('after-reserve');
      return release;
    } catch (error) {
      if (isUniqueViolation(error)) throw new StrongroomError('conflict', 'this release id is in use', { cause: error });
      throw error;
    }
  }

  private async transactionA(
    manager: EntityManager,
    { node, asked, verified, result, manifestIndex }: { node: Node; asked: AskedRelease; verified: VerifiedMaterial; result: AttestationResult; manifestIndex: number },
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
    const obstacle = await this.database.inTransaction(async (manager) => {
      const found = await this.obstacle(manager, release);
      if (found === undefined) await this.moveIn(manager, release, 'unwrapping');
      else if (release.state === 'logged') await this.moveIn(manager, release, 'refused');
      return found;
    });
    if (obstacle !== undefined) throw new StrongroomError('release-refused', obstacle);
  }

  private async obstacle(manager: EntityManager, release: ReleaseEntity): Promise<string | undefined> {
    const state = stateAt(await this.access.lock(manager, release.request), this.clock.now());
    if (state !== 'active' && state !== 'used') return `the request is ${state}`;
    const node = await this.nodes.get(release.node, manager);
    const { entity: asset } = await this.assets.get(release.asset, manager);
    return node.state === 'enrolled' && asset.state === 'registered' ? undefined : 'node or asset was cut off';
  }

  private async finish(release: ReleaseEntity): Promise<void> {
    release.leaseUntil = new Date(this.clock.now().getTime() + release.statement.lease.seconds * 1000);
    await this.move(release, 'released');
  }

  private move(release: ReleaseEntity, to: ReleaseEntity['state']): Promise<void> {
    return this.database.inTransaction((manager) => this.moveIn(manager, release, to));
  }

  private async moveIn(manager: EntityManager, release: ReleaseEntity, to: ReleaseEntity['state']): Promise<void> {
    const row = await manager.findOneOrFail(ReleaseEntity, { where: { id: release.id }, lock: { mode: 'pessimistic_write' } });
    // A retry finds its release further on already, and must not take it back.
    if (isPast(row.state, to)) return;
    moveRelease(row, to);
    row.leaseUntil = release.leaseUntil;
    await manager.save(row);
    release.state = row.state;
  }
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof StrongroomError && error.code === 'releaser-refused' && error.reasons.some((reason) => reason.code === code);
}
