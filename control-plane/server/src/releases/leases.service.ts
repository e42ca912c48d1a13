import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import type { z } from 'zod';
import { LEASE, httpApi, verifyStatement } from '@strongroom/control-plane-contract';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';
import { AccessService } from '../access/access.service.js';
import { stateAt } from '../access/request-state.js';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Node } from '../platform/principal.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { ReleaseEntity } from './release.entity.js';
import { moveRelease } from './release-state.js';

type RenewLease = z.infer<typeof httpApi.renewLease>;
type AcknowledgeWipe = z.infer<typeof httpApi.acknowledgeWipe>;

/** Leases: renewed by the releaser on fresh evidence, ended by whoever stops first. */
@Injectable()
export class LeasesService {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly access: AccessService,
    private readonly releaser: ReleaserClient,
  ) {}

  /** @throws StrongroomError `release-refused` once the request is over, `releaser-refused` with the releaser's code */
  async renew(node: Node, releaseId: string, asked: RenewLease): Promise<{ lease: DsseEnvelope }> {
    const release = await this.own(node, releaseId);
    const { entity } = await this.access.get(release.request);
    const state = stateAt(entity, this.clock.now());
    if (release.state === 'ended' || (state !== 'active' && state !== 'used')) throw new StrongroomError('release-refused', `the lease is over: the request is ${state}`);
    const enclave = await this.documents.required('enclave', entity.statement.enclave);
    const { lease } = await this.releaser.call('renew', { release_id: releaseId, evidence: asked.evidence, nonce: asked.nonce, lease_nonce: asked.lease_nonce, enclave: enclave.envelope as never });
    const leaseUntil = new Date(this.clock.now().getTime() + this.secondsOf(lease) * 1000);
    // Not where a wipe was acknowledged meanwhile.
    await this.database.manager.update(ReleaseEntity, { id: releaseId, endedAt: IsNull() }, { leaseUntil });
    return { lease };
  }

  private secondsOf(lease: DsseEnvelope): number {
    try {
      return verifyStatement(LEASE, lease, [this.trust.value.releaser], 1).value.seconds;
    } catch (cause) {
      throw new StrongroomError('releaser-unavailable', 'the releaser answered with a lease it did not sign', { cause });
    }
  }

  /** The agent says that it wiped. Saying so again changes nothing. */
  async acknowledgeWipe(node: Node, releaseId: string, said: AcknowledgeWipe): Promise<ReleaseEntity> {
    await this.own(node, releaseId);
    const { ended, eventId } = await this.database.inTransaction(async (manager) => {
      const row = await manager.findOneOrFail(ReleaseEntity, { where: { id: releaseId }, lock: { mode: 'pessimistic_write' } });
      if (row.state === 'ended') return { ended: row, eventId: undefined };
      moveRelease(row, 'ended');
      row.endedAt = this.clock.now();
      row.endReason = said.reason;
      await manager.save(row);
      const recorded = await this.audit.record(manager, {
        kind: 'lease',
        message: `node ${node.id} wiped release ${releaseId}: ${said.reason}`,
        chains: [`weights/${row.asset}`, `request/${row.request}`, `node/${node.id}`],
        actor: node,
      });
      return { ended: row, eventId: recorded.eventId };
    });
    // The releaser forgets nothing it was told: without this a server that lies could have an acknowledged wipe renewed.
    await this.releaser.call('revoke', { kind: 'release', id: releaseId, reason: `wiped: ${said.reason}` });
    if (eventId !== undefined) await this.audit.waitForEntry(eventId);
    return ended;
  }

  async list(filter: { readonly request?: string } = {}): Promise<ReleaseEntity[]> {
    return this.database.manager.find(ReleaseEntity, { where: filter.request === undefined ? {} : { request: filter.request }, order: { id: 'DESC' }, take: 200 });
  }

  private async own(node: Node, releaseId: string): Promise<ReleaseEntity> {
    const release = await this.database.manager.findOneBy(ReleaseEntity, { id: releaseId, node: node.id });
    if (release === null) throw new StrongroomError('not-found', 'no such release for this node');
    return release;
  }
}
