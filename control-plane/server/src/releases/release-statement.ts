import { canonicalDigest } from '@strongroom/attestation-encoding';
import { releaseBytes, transportKeyDigest, type httpApi, type NodeBinding, type ReleasePolicyInput, type ReleaseStatement, type Signed, type VerifiedReleaseMaterial } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { StrongroomError } from '../platform/errors.js';
import type { Node } from '../platform/principal.js';
import type { ReleaseEntity } from './release.entity.js';

export type AskedRelease = z.infer<typeof httpApi.createRelease>;
export type VerifiedMaterial = VerifiedReleaseMaterial & { readonly binding: Signed<NodeBinding> };

/** @throws StrongroomError `conflict`: a release id serves one node, request, transport key and piece of evidence. */
export function assertSameRelease(earlier: ReleaseEntity, node: Node, asked: AskedRelease): void {
  const same =
    earlier.node === node.id &&
    earlier.request === asked.request_id &&
    earlier.transportKeyDigest === transportKeyDigest(asked.transport_key) &&
    earlier.evidenceDigest === canonicalDigest(asked.evidence);
  if (!same) throw new StrongroomError('conflict', 'this release id was used for another node, request, key or evidence');
  if (earlier.state === 'ended' || earlier.state === 'refused') throw new StrongroomError('conflict', `the release is ${earlier.state}`);
}

/** What the log says of a release: everything its verifiers compare (protocol rule 6). */
export function releaseStatement(releaseId: string, verified: VerifiedMaterial, input: ReleasePolicyInput): ReleaseStatement {
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
    input,
  };
}
