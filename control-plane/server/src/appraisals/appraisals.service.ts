import { Inject, Injectable } from '@nestjs/common';
import { IsNull, LessThan, MoreThan, type EntityManager } from 'typeorm';
import { fromBase64url, sha256 } from '@strongroom/attestation-encoding';
import { appraiseEvidence, signEar } from '@strongroom/attestation-appraisal';
import type { AttestationResult, Evidence, EvidencePurpose } from '@strongroom/attestation-model';
import { PolicyEngine } from '@strongroom/policies-engine';
import { transportKeyDigest, verifyNodeBinding } from '@strongroom/control-plane-contract';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Node } from '../platform/principal.js';
import { Randomness } from '../platform/randomness.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { AppraisalEntity, ChallengeEntity } from './appraisal.entity.js';
import { appraisalsConfig, type AppraisalsConfig } from './appraisals.config.js';
import { EarKey } from './ear-key.js';

export interface NodeEvidence {
  /** A renewal is the releaser's to judge: it keeps the boot counter of the release. */
  readonly purpose: Exclude<EvidencePurpose, 'renew'>;
  readonly nonce: string;
  /** Raw X25519 key, base64url. */
  readonly transportKey: string;
  readonly evidence: Evidence;
}

export interface Appraisal {
  readonly result: AttestationResult;
  readonly ear: string;
  readonly eventId: string;
}

/** The verifier (RFC 9334): hands out the releaser's nonces and appraises what comes back. */
@Injectable()
export class AppraisalsService {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly engine: PolicyEngine,
    private readonly releaser: ReleaserClient,
    private readonly earKey: EarKey,
    @Inject(appraisalsConfig.token) private readonly config: AppraisalsConfig,
  ) {}

  /** A nonce for one purpose. The releaser chooses it, so that its own freshness does not rest on us. */
  async challenge(node: Node, purpose: EvidencePurpose): Promise<{ nonce: string; expires_at: string }> {
    const answer = await this.releaser.call('challenge', { node: node.id, purpose });
    const expiresAt = new Date(answer.expires_at);
    // What expired an hour ago can serve nobody; without this the table would only grow.
    await this.database.manager.delete(ChallengeEntity, { expiresAt: LessThan(new Date(this.clock.now().getTime() - 3_600_000)) });
    await this.database.manager.insert(ChallengeEntity, { nonceDigest: Buffer.from(sha256(fromBase64url(answer.nonce, 32))), node: node.id, purpose, expiresAt, usedAt: null });
    return answer;
  }

  /**
   * Appraises evidence of a connected node: nonce ours and unused, AK and mTLS key those of its record and of this connection.
   * A bad result is a result; only malformed or forged evidence is refused here.
   * @throws StrongroomError `nonce-refused` | `evidence-malformed` | `conflict`
   */
  async appraise(node: Node, given: NodeEvidence): Promise<Appraisal> {
    await this.takeNonce(node.id, given.purpose, given.nonce);
    const record = await this.record(node);
    const enclave = await this.documents.required('enclave', record.node.enclave);
    const now = this.clock.now();
    const nonce = fromBase64url(given.nonce, 32);
    const result = this.verified(() =>
      appraiseEvidence({
        evidence: given.evidence,
        expected: {
          akName: record.akName,
          hardware: record.hardware,
          binding: {
            tenant: this.trust.tenant,
            node: node.id,
            akName: record.akName,
            purpose: given.purpose,
            nonce,
            transportKeyDigest: transportKeyDigest(given.transportKey),
            mtlsKeyDigest: node.keyDigest,
          },
        },
        environments: enclave.value.enclave.environments,
        engine: this.engine,
        profile: this.trust.value.profile,
        policyDigest: this.engine.policyDigest,
        now,
      }),
    );
    const ear = await signEar(result, {
      privateKey: this.earKey.privateKey,
      keyId: this.earKey.keyId,
      issuer: `https://${this.trust.value.domain}`,
      audience: `urn:strongroom:${this.trust.tenant}`,
      lifetimeSeconds: this.config.resultSeconds,
      now,
      nonce,
      developer: 'https://strongroom.example',
      build: 'strongroom 0.1.0',
    });
    return this.keep(node, given.purpose, result, ear);
  }

  private async keep(node: Node, purpose: EvidencePurpose, result: AttestationResult, ear: string): Promise<Appraisal> {
    const id = this.randomness.uuid();
    const { eventId } = await this.database.inTransaction(async (manager) => {
      await manager.insert(AppraisalEntity, { id, node: node.id, purpose, status: result.status, environment: result.environment, evidenceDigest: result.evidenceDigest, ear, at: new Date(result.appraisedAt * 1000) });
      return this.audit.record(manager, {
        kind: 'appraisal',
        message: `evidence of node ${node.id} for ${purpose} is ${result.status}`,
        chains: [`node/${node.id}`],
        actor: node,
        outcome: result.status === 'affirming' ? 'success' : 'failure',
        severity: result.status === 'affirming' ? 'informational' : 'high',
        detail: { resources: [{ type: 'evidence', uid: result.evidenceDigest }], ...(result.reasons.length === 0 ? {} : { status_detail: result.reasons.join(', ').slice(0, 500) }) },
      });
    });
    return { result, ear, eventId };
  }

  private async takeNonce(node: string, purpose: EvidencePurpose, nonce: string): Promise<void> {
    const { affected } = await this.database.manager.update(
      ChallengeEntity,
      { nonceDigest: Buffer.from(sha256(fromBase64url(nonce, 32))), node, purpose, usedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) },
      { usedAt: this.clock.now() },
    );
    if (affected !== 1) throw new StrongroomError('nonce-refused', 'ask for a new nonce; each serves once, for one purpose, for a minute');
  }

  private async record(node: Node, manager: EntityManager = this.database.manager) {
    const entity = await manager.findOneBy(NodeEntity, { id: node.id });
    if (entity?.state !== 'enrolled' || entity.akName === null || entity.binding === null) throw new StrongroomError('conflict', 'the node is not enrolled');
    if (entity.mtlsKeyDigest !== node.keyDigest) throw new StrongroomError('conflict', 'the connection uses another key than the node enrolled with');
    const binding = refuseContractError(() => verifyNodeBinding(entity.binding, this.trust.value, this.clock.now()));
    return { node: entity, akName: entity.akName, hardware: binding.value.hardware };
  }

  private verified(work: () => AttestationResult): AttestationResult {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof StrongroomError) throw cause;
      const code = (cause as { code?: unknown }).code;
      throw new StrongroomError('evidence-malformed', 'the evidence is malformed or was not made by this node for this nonce', {
        cause,
        reasons: typeof code === 'string' ? [{ code, message: 'the evidence does not verify' }] : [],
      });
    }
  }
}
