import { randomBytes } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import {
  httpApi,
  requestDigest,
  shortDigest,
  verifyManifest,
  verifyPolicyEnvelope,
  weightsDigests,
  type AccessRequest,
  type Approval,
  type ApprovalStatement,
  type Factor,
} from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { DevelopmentError } from '../errors.js';
import type { RequestView } from './requester.js';
import type { Session } from './session.js';
import type { ApprovalSite } from './software-authenticator.js';
import type { PeopleTrust } from './trust.js';

export interface Vote {
  readonly approval: Approval;
  /** What two screens are compared by: 80 bits of the request's digest, computed here. */
  readonly shortDigest: string;
}

/** Approves or denies, with an authenticator, after computing everything anew from what was signed. */
export class Approver {
  constructor(
    readonly session: Session,
    private readonly trust: PeopleTrust,
    private readonly site: ApprovalSite,
  ) {}

  read(request: string): Promise<RequestView> {
    return this.session.call({ method: 'GET', path: `/v1/requests/${request}`, host: 'approval' }, httpApi.requestView);
  }

  /**
   * Builds and signs a statement over a request as it stands. The digests are computed from the signed manifest and the signed
   * policy, never copied from the server's answer; where its answer differs, nothing is signed.
   * @throws DevelopmentError `statement-doubtful`; ContractError for a manifest or policy that is not signed as it must be
   */
  async decide(request: string, decision: ApprovalStatement['decision'], now: Date = new Date()): Promise<Vote> {
    const view = await this.read(request);
    const statement = await this.statementFor(view.request, decision, now);
    if (statement.request_digest !== view.digest) throw new DevelopmentError('statement-doubtful', 'the server shows another digest than its request has: do not sign, tell security');
    const { authenticator } = this.session.person;
    if (authenticator === undefined) throw new DevelopmentError('statement-doubtful', `${this.session.person.name} holds no authenticator`);
    return { approval: { statement, assertion: authenticator.approve(statement, this.site) }, shortDigest: shortDigest(statement.request_digest) };
  }

  /** Sends a vote to the approval host, where alone it is taken. */
  submit({ approval }: Pick<Vote, 'approval'>): Promise<RequestView> {
    return this.session.call({ method: 'POST', path: `/v1/requests/${approval.statement.request_id}/approvals`, host: 'approval', body: approval }, httpApi.requestView);
  }

  revoke(request: string, reason: string): Promise<z.infer<typeof httpApi.revocation>> {
    return this.session.call({ method: 'POST', path: `/v1/requests/${request}/revocation`, body: { reason } }, httpApi.revocation);
  }

  /** Cuts a node off for good. */
  suspendNode(node: string, reason: string): Promise<z.infer<typeof httpApi.revocation>> {
    return this.session.call({ method: 'POST', path: `/v1/nodes/${node}/suspension`, body: { reason } }, httpApi.revocation);
  }

  revokeAsset(asset: string, reason: string): Promise<z.infer<typeof httpApi.revocation>> {
    return this.session.call({ method: 'POST', path: `/v1/assets/${asset}/revocation`, body: { reason } }, httpApi.revocation);
  }

  private async statementFor(request: AccessRequest, decision: ApprovalStatement['decision'], now: Date): Promise<ApprovalStatement> {
    const anchors = this.trust.anchors.value;
    const asset = await this.session.call({ method: 'GET', path: `/v1/assets/${request.asset}` }, httpApi.assetDetail);
    const documents = await this.session.call({ method: 'GET', path: '/v1/documents', host: 'approval' }, httpApi.documentBundle);
    const manifest = verifyManifest(asset.manifest, anchors, now);
    const policy = verifyPolicyEnvelope(documents.policy, anchors, now);
    if (manifest.digest !== request.manifest_digest || manifest.value.asset.id !== request.asset) {
      throw new DevelopmentError('statement-doubtful', 'the request names another manifest than the one two roles signed: do not sign, ask for a new request');
    }
    return {
      type: 'strongroom/approval/v1',
      v: 1,
      tenant: anchors.tenant,
      request_id: request.id,
      request_digest: requestDigest(request),
      decision,
      factor: this.factor(),
      policy_digest: policy.value.policy_digest,
      weights_digest: weightsDigests(manifest.value, request.shards),
      purpose: request.purpose,
      enclave: request.enclave,
      not_before: request.not_before,
      not_after: request.not_after,
      max_uses: request.max_uses,
      nonce: toBase64url(new Uint8Array(randomBytes(32))),
      approver: this.session.person.id,
    };
  }

  private factor(): Factor {
    const [factor] = this.session.person.kind.factors;
    if (factor === undefined) throw new DevelopmentError('statement-doubtful', `${this.session.person.name} may fill no factor`);
    return factor;
  }
}
