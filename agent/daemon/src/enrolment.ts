import { createHmac } from 'node:crypto';
import type { EvidenceCollector } from '@strongroom/agent-collectors';
import { canonicalBytes, digestOf, fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import { activationMessage, ContractError, endorsementSchema, httpApi, verifyNodeBinding, type Anchors, type NodeBinding, type Signed } from '@strongroom/control-plane-contract';
import type { ControlPlaneClient } from './control-plane-client.js';
import { AgentError } from './errors.js';
import type { MtlsIdentity } from './mtls-identity.js';

export interface EnrolmentOptions {
  readonly node: string;
  readonly anchors: Anchors;
  readonly client: ControlPlaneClient;
  readonly collector: EvidenceCollector;
  readonly mtls: MtlsIdentity;
  readonly now: () => Date;
}

/**
 * Enrols this machine: recovers the releaser's secret in the TPM that two people registered, answers with a MAC that covers the
 * certificate request, and takes the certificate only with the releaser's signed binding of exactly this AK and key (rule 7).
 * @throws AgentError `enrolment-refused` | `server-*`
 */
export async function enrol(options: EnrolmentOptions): Promise<{ binding: Signed<NodeBinding>; spiffeId: string }> {
  const { node, client, collector, mtls, anchors } = options;
  const identity = await collector.identity();
  const { csr, keyPem, keyDigest } = await mtls.request();
  const endorsement = endorsementSchema.parse(
    identity.ek === undefined
      ? { kind: 'software', ak_public: identity.akPublic }
      : { kind: 'tpm2', ek_certificate: identity.ek.certificate, ek_public: identity.ek.public, chain: identity.ek.chain, ak_public: identity.akPublic },
  );
  const begun = await client.call('POST', '/v1/enrolments', httpApi.enrolmentChallenge, { node, endorsement, csr: toBase64url(csr) });
  const secret = await collector.activate({ credentialBlob: fromBase64url(begun.challenge.credential_blob), encryptedSecret: fromBase64url(begun.challenge.encrypted_secret) });
  const message = activationMessage({ tenant: anchors.tenant, node, ak_name: identity.akName, csr_digest: digestOf(csr), mtls_key_digest: keyDigest });
  const response = toBase64url(new Uint8Array(createHmac('sha256', secret).update(canonicalBytes(message)).digest()));
  secret.fill(0);
  const answer = await client.call('POST', `/v1/enrolments/${begun.enrolment}/activation`, httpApi.enrolled, { response });
  const binding = verifiedBinding(answer.binding, options, { akName: identity.akName, keyDigest, hardwareId: identity.hardwareId, csrDigest: digestOf(csr) });
  mtls.adopt(keyPem, answer.certificate, answer.authority, node);
  return { binding, spiffeId: answer.spiffe_id };
}

function verifiedBinding(
  envelope: unknown,
  { node, anchors, now }: EnrolmentOptions,
  mine: { akName: string; keyDigest: string; hardwareId: string; csrDigest: string },
): Signed<NodeBinding> {
  let binding: Signed<NodeBinding>;
  try {
    binding = verifyNodeBinding(envelope, anchors, now());
  } catch (cause) {
    throw new AgentError('enrolment-refused', 'the node binding is not the releaser’s', { cause, ...(cause instanceof ContractError ? { reason: cause.code } : {}) });
  }
  const { value } = binding;
  const same = value.node === node && value.ak_name === mine.akName && value.mtls_key_digest === mine.keyDigest && value.hardware_id === mine.hardwareId && value.csr_digest === mine.csrDigest;
  if (!same) throw new AgentError('enrolment-refused', 'the node binding is for another node, AK or key');
  return binding;
}
