import { randomBytes } from 'node:crypto';
import { openEvidenceCollector, type EvidenceCollector } from '@strongroom/agent-collectors';
import { acceptRelease, ControlPlaneClient, loadAgentConfig, MtlsIdentity, NodeEvidence, openKeys, PinnedTrust, StateFolder, type AgentConfig } from '@strongroom/agent-daemon';
import { toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey, httpApi, releaseAnswerSchema, type ReleaseAnswer, type TransportKeyPair } from '@strongroom/control-plane-contract';
import type { DevelopmentNode } from '@strongroom/tools-development';
import { readFileSync } from 'node:fs';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';

const TIMEOUT_MS = 60_000;
const MEASUREMENT_PCR = 15;

/** A release as it was asked for, to be sent again. */
export interface AskedRelease {
  readonly body: z.infer<typeof httpApi.createRelease>;
  readonly transport: TransportKeyPair;
  readonly evidenceDigest: string;
}

/**
 * An enrolled node's machine in the hands of somebody with its root rights: its certificate, its TPM, its state, without its
 * agent, which must not be running (a development TPM serves one).
 */
export class NodeInHand {
  private constructor(
    private readonly node: DevelopmentNode,
    private readonly config: AgentConfig,
    private readonly client: ControlPlaneClient,
    private readonly mtls: MtlsIdentity,
    private collector: EvidenceCollector,
  ) {}

  /** Starts its TPM and measures what its agent would measure. */
  static async take(node: DevelopmentNode): Promise<NodeInHand> {
    const config = loadAgentConfig(node.configFile);
    return new NodeInHand(node, config, clientOf(config), new MtlsIdentity(new StateFolder(config.stateFolder)), await measuredCollector(node, config));
  }

  close(): Promise<void> {
    return this.collector.close();
  }

  /** Shuts the machine down and starts it again: the same measurement, one boot later. */
  async reboot(): Promise<void> {
    await this.collector.close();
    this.collector = await measuredCollector(this.node, this.config);
  }

  /** Has something more measured than the agent: another program was run. */
  async extend(digest: Uint8Array): Promise<void> {
    await this.collector.measure(MEASUREMENT_PCR, digest);
  }

  async attestation(): Promise<z.infer<typeof httpApi.attestationAnswer>> {
    const transport = await generateTransportKey();
    const fresh = await this.evidence().collect('enrol', transport.digest);
    const body = { nonce: fresh.nonce, transport_key: transport.publicKey, evidence: fresh.evidence };
    return this.client.call('POST', '/v1/node/attestations', httpApi.attestationAnswer, body, this.mtls.current(new Date()));
  }

  async ask(request: string): Promise<AskedRelease> {
    const transport = await generateTransportKey();
    const fresh = await this.evidence().collect('release', transport.digest);
    const body = {
      release_id: uuidv7(),
      request_id: request,
      nonce: fresh.nonce,
      transport_key: transport.publicKey,
      evidence: fresh.evidence,
      lease_nonce: toBase64url(new Uint8Array(randomBytes(32))),
    };
    return { body, transport, evidenceDigest: fresh.digest };
  }

  send({ body }: Pick<AskedRelease, 'body'>): Promise<ReleaseAnswer> {
    return this.client.call('POST', '/v1/node/releases', releaseAnswerSchema, body, this.mtls.current(new Date()));
  }

  /** Judges an answer as the agent does, and opens its keys. @returns copies of them by shard */
  async keysOf(asked: AskedRelease, answer: ReleaseAnswer): Promise<Map<number, string>> {
    const trust = PinnedTrust.load(this.config, new StateFolder(this.config.stateFolder), new Date());
    const { akName } = await this.collector.identity();
    const { body, transport, evidenceDigest } = asked;
    const own = {
      node: this.config.node,
      releaseId: body.release_id,
      requestId: body.request_id,
      akName,
      mtlsKeyDigest: this.mtls.current(new Date()).keyDigest,
      transportKeyDigest: transport.digest,
      evidenceDigest,
      leaseNonce: new Uint8Array(Buffer.from(body.lease_nonce, 'base64url')),
    };
    const accepted = acceptRelease(answer, own, { anchors: trust.anchors.value, policy: trust.policy, now: new Date(), maxAgeSeconds: 600 });
    const keys = await openKeys(answer, accepted, transport.privateKey);
    return new Map([...keys].map(([shard, key]) => [shard, Buffer.from(key).toString('hex')]));
  }

  async renew({ body, transport }: AskedRelease): Promise<z.infer<typeof httpApi.leaseAnswer>> {
    const fresh = await this.evidence().collect('renew', transport.digest);
    const renewal = { nonce: fresh.nonce, evidence: fresh.evidence, lease_nonce: toBase64url(new Uint8Array(randomBytes(32))) };
    return this.client.call('POST', `/v1/node/releases/${body.release_id}/renewals`, httpApi.leaseAnswer, renewal, this.mtls.current(new Date()));
  }

  private evidence(): NodeEvidence {
    const { client, mtls, collector, config } = this;
    const { anchors } = PinnedTrust.load(config, new StateFolder(config.stateFolder), new Date());
    return new NodeEvidence({ tenant: anchors.value.tenant, node: config.node, client, collector, mtls, now: () => new Date() });
  }
}

/** Requests a node is shown as its own, asked with its certificate. Its agent may be running. */
export async function grantedTo(node: DevelopmentNode): Promise<string[]> {
  const config = loadAgentConfig(node.configFile);
  const mtls = new MtlsIdentity(new StateFolder(config.stateFolder));
  const granted = await clientOf(config).call('GET', '/v1/node/requests', z.array(httpApi.nodeRequestView), undefined, mtls.current(new Date()));
  return granted.map(({ request }) => request.id);
}

function clientOf(config: AgentConfig): ControlPlaneClient {
  return new ControlPlaneClient({ server: config.server, authority: readFileSync(config.serverAuthorityFile, 'utf8'), timeoutMs: TIMEOUT_MS });
}

async function measuredCollector(node: DevelopmentNode, config: AgentConfig): Promise<EvidenceCollector> {
  const { collector } = await openEvidenceCollector({ stateFolder: config.stateFolder, allowed: config.evidenceSources, env: process.env });
  await collector.measureOnce(MEASUREMENT_PCR, new Uint8Array(Buffer.from(node.machine.measurement, 'hex')));
  return collector;
}
