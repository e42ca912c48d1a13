import { Inject, Injectable } from '@nestjs/common';
import { IsNull, type EntityManager } from 'typeorm';
import { digestOf, fromBase64url } from '@strongroom/attestation-encoding';
import { verifyNodeBinding, type Endorsement } from '@strongroom/control-plane-contract';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService, type RegisteredDocument } from '../documents/documents.service.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { CertificateAuthority, type IssuedCertificate } from '../platform/authority.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { Database, isUniqueViolation } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import { spiffeId } from '../platform/node-certificate.js';
import { authorityConfig, identityConfig, type AuthorityConfig, type IdentityConfig } from '../platform/platform.config.js';
import { NodeRegistry, type Person } from '../platform/principal.js';
import { csrKeyDigest } from './csr-key.js';
import { EnrolmentEntity, NodeEntity } from './node.entity.js';
import { moveNode } from './node-state.js';

export interface EnrolmentChallenge {
  readonly enrolment: string;
  readonly challenge: { readonly credential_blob: string; readonly encrypted_secret: string };
  readonly expires_at: string;
}

export interface EnrolledNode {
  readonly node: NodeEntity;
  readonly certificate: IssuedCertificate;
  readonly spiffeId: string;
  readonly eventId: string;
}

/** Node records: registered by two people's signatures, enrolled by activation at the releaser, known by certificate after that. */
@Injectable()
export class NodesService extends NodeRegistry {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly releaser: ReleaserClient,
    private readonly authority: CertificateAuthority,
    @Inject(authorityConfig.token) private readonly authorityConfig: AuthorityConfig,
    @Inject(identityConfig.token) private readonly identity: IdentityConfig,
  ) {
    super();
  }

  /** Puts a registration in force and makes its node record. @throws StrongroomError `statement-refused` | `conflict` */
  async register(envelope: unknown): Promise<{ node: NodeEntity; digest: string; eventId: string }> {
    const { signed, eventId } = await this.registerDocument(envelope);
    return { node: await this.get(signed.value.node), digest: signed.digest, eventId };
  }

  private registerDocument(envelope: unknown): Promise<RegisteredDocument<'node-registration'>> {
    return this.documents.register('node-registration', envelope, async (manager, registration) => {
      const { node, enclave, kind, hardware_id: hardwareId } = registration.value;
      if ((await this.documents.inForce('enclave', enclave, manager)) === undefined) throw new StrongroomError('not-found', `no enclave ${enclave} is in force`);
      const existing = await manager.findOneBy(NodeEntity, { id: node });
      if (existing !== null && (existing.hardwareId !== hardwareId || existing.kind !== kind || existing.enclave !== enclave)) {
        throw new StrongroomError('conflict', 'the node is registered as another machine or in another enclave');
      }
      if (existing !== null) return;
      // At most one of two that register one machine at once gets past the index on it.
      await manager.insert(NodeEntity, { id: node, enclave, kind, state: 'registered', hardwareId, binding: null, akName: null, mtlsKeyDigest: null, certificateSerial: null, certificateExpiresAt: null });
    }).catch((error: unknown) => {
      throw isUniqueViolation(error) ? new StrongroomError('conflict', 'this machine is registered under another node id', { cause: error }) : error;
    });
  }

  /** Asks the releaser for a credential challenge that only the registered machine can answer. */
  async beginEnrolment(nodeId: string, endorsement: Endorsement, csrText: string): Promise<EnrolmentChallenge> {
    const node = await this.get(nodeId);
    if (node.state !== 'registered' && node.state !== 'enrolled') throw new StrongroomError('conflict', `a ${node.state} node cannot enrol`);
    if (node.kind !== endorsement.kind) throw new StrongroomError('conflict', 'the node is registered with another kind of evidence');
    const csr = fromBase64url(csrText, 4096);
    const registration = await this.documents.required('node-registration', nodeId);
    const answer = await this.releaser.call('enrol-begin', {
      registration: registration.envelope as never,
      endorsement,
      mtls_key_digest: csrKeyDigest(csr),
      csr_digest: digestOf(csr),
    });
    await this.database.manager.insert(EnrolmentEntity, { id: answer.enrolment, node: nodeId, csr: Buffer.from(csr), expiresAt: new Date(answer.expires_at), usedAt: null });
    return answer;
  }

  /** Passes the answer on; on the releaser's signed binding, issues the certificate that binding names. */
  async completeEnrolment(enrolmentId: string, response: string): Promise<EnrolledNode> {
    const enrolment = await this.takeEnrolment(enrolmentId);
    const { binding: envelope } = await this.releaser.call('enrol-complete', { enrolment: enrolmentId, response });
    const binding = refuseContractError(() => verifyNodeBinding(envelope, this.trust.value, this.clock.now()));
    const { value } = binding;
    if (value.node !== enrolment.node || value.csr_digest !== digestOf(enrolment.csr)) throw new StrongroomError('conflict', 'the binding is for another node or certificate request');
    const id = spiffeId(this.identity, value.node);
    const certificate = await this.authority.issueNodeCertificate(enrolment.csr, id, this.authorityConfig.nodeCertificateHours);
    if (certificate.keyDigest !== value.mtls_key_digest) throw new StrongroomError('conflict', 'the binding is for another mTLS key');
    return this.database.inTransaction(async (manager) => {
      const node = await manager.findOneOrFail(NodeEntity, { where: { id: value.node }, lock: { mode: 'pessimistic_write' } });
      moveNode(node, 'enrolled');
      Object.assign(node, { binding: binding.envelope, akName: value.ak_name, mtlsKeyDigest: value.mtls_key_digest, certificateSerial: certificate.serial, certificateExpiresAt: certificate.notAfter });
      await manager.save(node);
      const { eventId } = await this.audit.record(manager, {
        kind: 'node-change',
        message: `node ${value.node} proved to be the registered machine`,
        chains: [`node/${value.node}`],
        statement: { type: 'strongroom/log/document/v1', kind: 'node-binding', digest: binding.digest, version: value.version, subject: value.node },
      });
      return { node, certificate, spiffeId: id, eventId };
    });
  }

  private async takeEnrolment(id: string): Promise<EnrolmentEntity> {
    return this.database.inTransaction(async (manager) => {
      const enrolment = await manager.findOne(EnrolmentEntity, { where: { id, usedAt: IsNull() }, lock: { mode: 'pessimistic_write' } });
      if (enrolment === null || enrolment.expiresAt <= this.clock.now()) throw new StrongroomError('not-found', 'no such enrolment is open; begin again');
      enrolment.usedAt = this.clock.now();
      return manager.save(enrolment);
    });
  }

  override async acceptsCertificate(nodeId: string, serial: string): Promise<boolean> {
    const node = await this.database.manager.findOneBy(NodeEntity, { id: nodeId });
    return node !== null && node.state === 'enrolled' && node.certificateSerial === serial;
  }

  /** @throws StrongroomError `not-found` */
  async get(id: string, manager: EntityManager = this.database.manager): Promise<NodeEntity> {
    const node = await manager.findOneBy(NodeEntity, { id });
    if (node === null) throw new StrongroomError('not-found', 'no such node is registered');
    return node;
  }

  list(): Promise<NodeEntity[]> {
    return this.database.manager.find(NodeEntity, { order: { id: 'ASC' } });
  }

  /** Cuts a node off: its certificate stops counting at once, and the releaser refuses it. Asked again, the releaser is told again. */
  async suspend(nodeId: string, actor: Person, reason: string): Promise<{ eventId: string }> {
    const result = await this.database.inTransaction(async (manager) => {
      const node = await manager.findOne(NodeEntity, { where: { id: nodeId }, lock: { mode: 'pessimistic_write' } });
      if (node === null) throw new StrongroomError('not-found', 'no such node is registered');
      moveNode(node, 'suspended');
      await manager.save(node);
      return this.audit.record(manager, { kind: 'access-revoked', message: `node ${nodeId} is suspended: ${reason}`, actor, severity: 'high', chains: [`node/${nodeId}`] });
    });
    await this.releaser.call('revoke', { kind: 'node', id: nodeId, reason });
    return result;
  }
}
