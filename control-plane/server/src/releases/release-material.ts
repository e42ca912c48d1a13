import { Injectable } from '@nestjs/common';
import { toBase64url } from '@strongroom/attestation-encoding';
import { verifyRequestMaterial, type ReleaseMaterial } from '@strongroom/control-plane-contract';
import { AccessService } from '../access/access.service.js';
import type { AccessRequestEntity } from '../access/access-request.entity.js';
import { AssetsService, type AssetInForce } from '../assets/assets.service.js';
import { AuditService } from '../audit/audit.service.js';
import { LogReader } from '../audit/log-reader.js';
import { DocumentsService } from '../documents/documents.service.js';
import { NodesService } from '../nodes/nodes.service.js';
import { PoliciesService } from '../policies/policies.service.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { StrongroomError } from '../platform/errors.js';
import { TrustAnchors } from '../platform/trust-anchors.js';

export type RequestMaterial = Omit<ReleaseMaterial, 'manifest_entry' | 'release_entry'>;

/** Gathers what a release rests on, raw, as releaser and agent want it. */
@Injectable()
export class ReleaseMaterialService {
  constructor(
    private readonly documents: DocumentsService,
    private readonly policies: PoliciesService,
    private readonly trust: TrustAnchors,
    private readonly nodes: NodesService,
    private readonly assets: AssetsService,
    private readonly access: AccessService,
    private readonly audit: AuditService,
    private readonly reader: LogReader,
    private readonly clock: Clock,
  ) {}

  async gather(request: AccessRequestEntity): Promise<{ raw: RequestMaterial; asset: AssetInForce }> {
    const [roster, policy, enclave, registration, node, asset, approvals] = await Promise.all([
      this.documents.required('roster', this.trust.tenant),
      this.policies.inForce(),
      this.documents.required('enclave', request.statement.enclave),
      this.documents.required('node-registration', request.node),
      this.nodes.get(request.node),
      this.assets.inForce(request.asset),
      this.access.approvalsOf(request.id),
    ]);
    if (node.binding === null) throw new StrongroomError('conflict', 'the node is not enrolled');
    const raw: RequestMaterial = {
      roster: roster.envelope,
      policy: policy.envelope,
      enclave: enclave.envelope,
      registration: registration.envelope,
      binding: node.binding,
      manifest: asset.manifest.envelope,
      request: request.statement,
      approvals: [...approvals],
    } as unknown as RequestMaterial;
    return { raw, asset };
  }

  /** Everything signed holds and belongs together. @throws StrongroomError `statement-refused` */
  verify(raw: RequestMaterial) {
    return refuseContractError(() => verifyRequestMaterial(raw, { anchors: this.trust.value, policy: this.policies, now: this.clock.now() }));
  }

  /** Both log proofs, under one checkpoint: the newest. @throws StrongroomError `log-not-current` */
  async prove(raw: RequestMaterial, asset: AssetInForce, releaseEventId: string): Promise<ReleaseMaterial> {
    const release = await this.audit.waitForEntry(releaseEventId);
    const manifest = await this.audit.waitForEntry(asset.entity.eventId);
    const under = await this.reader.published();
    const [releaseProof, manifestProof] = await Promise.all([this.reader.inclusionProof(release.index, under), this.reader.inclusionProof(manifest.index, under)]);
    return {
      ...raw,
      manifest_entry: { entry: toBase64url(manifest.entry), proof: manifestProof },
      release_entry: { entry: toBase64url(release.entry), proof: releaseProof },
    };
  }
}
