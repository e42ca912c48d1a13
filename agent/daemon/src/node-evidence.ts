import { canonicalDigest, fromBase64url, type Digest } from '@strongroom/attestation-encoding';
import { evidenceBindingDigest, type Evidence, type EvidencePurpose } from '@strongroom/attestation-model';
import type { EvidenceCollector } from '@strongroom/agent-collectors';
import { evidenceSchema, httpApi } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import type { ControlPlaneClient } from './control-plane-client.js';
import type { MtlsIdentity } from './mtls-identity.js';

export interface FreshEvidence {
  readonly nonce: string;
  readonly evidence: z.infer<typeof evidenceSchema>;
  readonly digest: Digest;
  readonly akName: string;
}

export interface EvidenceSourceOptions {
  readonly tenant: string;
  readonly node: string;
  readonly client: ControlPlaneClient;
  readonly collector: EvidenceCollector;
  readonly mtls: MtlsIdentity;
  readonly now: () => Date;
}

/** Asks for a nonce and makes evidence over it, this connection's key and a transport key. */
export class NodeEvidence {
  constructor(private readonly options: EvidenceSourceOptions) {}

  async collect(purpose: EvidencePurpose, transportKeyDigest: string): Promise<FreshEvidence> {
    const { tenant, node, client, collector, mtls, now } = this.options;
    const connection = mtls.current(now());
    const { nonce } = await client.call('POST', '/v1/node/challenges', httpApi.nonceAnswer, { purpose }, connection);
    const { akName } = await collector.identity();
    const evidence: Evidence = await collector.collect(
      evidenceBindingDigest({ tenant, node, akName, purpose, nonce: fromBase64url(nonce, 32), transportKeyDigest, mtlsKeyDigest: connection.keyDigest }),
    );
    return { nonce, evidence: evidenceSchema.parse(evidence), digest: canonicalDigest(evidence), akName };
  }
}
