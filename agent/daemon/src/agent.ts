import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import { openEvidenceCollector, type EvidenceCollector } from '@strongroom/agent-collectors';
import { digestOf, toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey, httpApi, releaseAnswerSchema, type ReleaseAnswer, type TransportKeyPair } from '@strongroom/control-plane-contract';
import type { AgentConfig } from './agent-config.js';
import { systemBootClock } from './boot-clock.js';
import { ControlPlaneClient } from './control-plane-client.js';
import { enrol } from './enrolment.js';
import { AgentError } from './errors.js';
import type { Report, WipeReason } from './events.js';
import { assertHardened, processState } from './hardening.js';
import { HighWater } from './high-water.js';
import { LeaseKeeper } from './lease-keeper.js';
import { measureAgent, MEASUREMENT_PCR } from './measurement.js';
import { MtlsIdentity } from './mtls-identity.js';
import { NodeEvidence } from './node-evidence.js';
import { openWeights, type OpenedWeights } from './opened-weights.js';
import { PinnedTrust } from './pinned-trust.js';
import { acceptRelease, openKeys, type AcceptedRelease } from './release-acceptance.js';
import { StateFolder } from './state-folder.js';
import { Watchdog } from './watchdog.js';

const REQUEST_TIMEOUT_MS = 15_000;
/** How old a logged decision may be when it reaches us, and how far clocks may differ. */
const MAX_DECISION_AGE_SECONDS = 120;

type GrantedRequest = z.infer<typeof httpApi.nodeRequestView>;

interface Held {
  readonly accepted: AcceptedRelease;
  readonly keys: Map<number, Uint8Array>;
  readonly keeper: LeaseKeeper;
}

/** One node: its trust, its TPM, its connection. */
export class Agent {
  readonly #watchdog: Watchdog;

  private constructor(
    private readonly config: AgentConfig,
    private readonly trust: PinnedTrust,
    private readonly collector: EvidenceCollector,
    private readonly client: ControlPlaneClient,
    private readonly mtls: MtlsIdentity,
    private readonly highWater: HighWater,
    private readonly evidence: NodeEvidence,
    private readonly report: Report,
  ) {
    this.#watchdog = Watchdog.start({ runtimeFolder: config.runtimeFolder, workloadCgroup: config.workloadCgroup });
  }

  /**
   * Loads the pinned trust, opens the source of evidence, measures this agent into it.
   * @throws AgentError `process-not-hardened` | `trust-mismatch` | `state-unusable`; CollectorError
   */
  static async start(config: AgentConfig, report: Report): Promise<Agent> {
    const state = new StateFolder(config.stateFolder);
    const trust = PinnedTrust.load(config, state, new Date());
    for (const message of assertHardened(processState(), trust.anchors.value.profile)) report({ event: 'warning', message });
    // Without the workload's cgroup there is nothing to end with the lease (protocol rule 13).
    if (trust.anchors.value.profile === 'production' && config.workloadCgroup === undefined) throw new AgentError('process-not-hardened', 'production needs workloadCgroup: the workload ends with its lease');
    mkdirSync(config.runtimeFolder, { recursive: true, mode: 0o700 });
    const opened = await openEvidenceCollector({ stateFolder: config.stateFolder, allowed: config.evidenceSources, env: process.env });
    report({ event: 'source', source: opened.source, chosenNow: opened.chosenNow, passedOver: opened.passedOver });
    const measurement = measureAgent(trust.anchors.digest);
    await opened.collector.measureOnce(MEASUREMENT_PCR, measurement);
    report({ event: 'measured', pcr: MEASUREMENT_PCR, measurement: Buffer.from(measurement).toString('hex') });
    report({
      event: 'identity',
      identity: await opened.collector.identity(),
      measurement: Buffer.from(measurement).toString('hex'),
      ...(opened.developmentRoot === undefined ? {} : { endorsementRoot: digestOf(opened.developmentRoot) }),
    });
    const client = new ControlPlaneClient({ server: config.server, authority: readFileSync(config.serverAuthorityFile, 'utf8'), timeoutMs: REQUEST_TIMEOUT_MS });
    const mtls = new MtlsIdentity(state);
    const now = (): Date => new Date();
    const evidence = new NodeEvidence({ tenant: trust.anchors.value.tenant, node: config.node, client, collector: opened.collector, mtls, now });
    return new Agent(config, trust, opened.collector, client, mtls, new HighWater(state), evidence, report);
  }

  /** Enrols with the registered machine's TPM. @throws AgentError */
  async enrol(): Promise<void> {
    await this.checkServer();
    const { collector, client, mtls } = this;
    const { binding, spiffeId } = await enrol({ node: this.config.node, anchors: this.trust.anchors.value, client, collector, mtls, now: () => new Date() });
    this.report({ event: 'enrolled', node: this.config.node, spiffeId, hardware: binding.value.hardware });
  }

  /** Shows the server this node's state, and what it thinks of it. @throws AgentError `evidence-not-affirmed` */
  async attest(): Promise<void> {
    const transport = await generateTransportKey();
    const fresh = await this.evidence.collect('enrol', transport.digest);
    const result = await this.client.call('POST', '/v1/node/attestations', httpApi.attestationAnswer, { nonce: fresh.nonce, transport_key: transport.publicKey, evidence: fresh.evidence }, this.mtls.current(new Date()));
    this.report({ event: 'attested', status: result.status, kind: this.collector.kind, environment: result.environment, ear: result.ear });
    if (result.status !== 'affirming') throw new AgentError('evidence-not-affirmed', `the verifier's result is ${result.status}: ${result.reasons.join(', ')}`);
  }

  /** A server with another genesis is another world, whatever else it shows. @throws AgentError `trust-mismatch` */
  private async checkServer(): Promise<void> {
    const { genesis } = await this.client.call('GET', '/v1/documents', httpApi.documentBundle, undefined);
    this.trust.assertGenesis(genesis, this.config.genesisDigest);
  }

  /**
   * Waits for granted requests and holds each until its lease ends, one after another, until `signal` aborts.
   * A refusal is reported and that request is left alone; the loop goes on.
   */
  async run(signal: AbortSignal): Promise<void> {
    await this.checkServer();
    const done = new Set<string>();
    while (!signal.aborted) {
      const next = await this.nextRequest(done);
      if (next === undefined) {
        await wait(this.config.pollSeconds, signal);
        continue;
      }
      done.add(next.request.id);
      await this.hold(next, signal).catch((error: unknown) => { this.refuse(error, next.request.id); });
    }
  }

  private async nextRequest(done: ReadonlySet<string>): Promise<GrantedRequest | undefined> {
    try {
      const granted = await this.client.call('GET', '/v1/node/requests', z.array(httpApi.nodeRequestView), undefined, this.mtls.current(new Date()));
      return granted.find(({ request }) => !done.has(request.id));
    } catch (error) {
      this.refuse(error, undefined);
      return undefined;
    }
  }

  /** From the release to the wipe. Whatever goes wrong in between ends in the wipe too. */
  private async hold({ request }: GrantedRequest, signal: AbortSignal): Promise<void> {
    const held = await this.obtain(request.id);
    const ended = new AbortController();
    const leaseEnd = held.keeper.keep(wait, signal).then((why) => {
      ended.abort();
      return why;
    });
    const weights = this.open(held, ended.signal);
    const why = await leaseEnd;
    const release = held.accepted.release.statement.release_id;
    this.report({ event: 'lease-ended', release, why });
    // First whoever read the weights, then what they were read from.
    if (!this.#watchdog.endWorkload()) this.report({ event: 'warning', message: 'the workload could not be ended: its cgroup cannot be killed' });
    await weights.then((opened) => opened?.wipe());
    for (const key of held.keys.values()) key.fill(0);
    this.#watchdog.rest();
    this.report({ event: 'wiped', release, why, acknowledged: await this.acknowledge(release, why) });
  }

  private async open(held: Held, signal: AbortSignal): Promise<OpenedWeights | undefined> {
    const { release } = held.accepted;
    try {
      const { weightsFolder, runtimeFolder } = this.config;
      const opened = await openWeights({ release, keys: held.keys, weightsFolder, runtimeFolder, signal, onProgress: (done, total) => { this.report({ event: 'opening', done, total }); } });
      this.report({ event: 'opened', release: release.statement.release_id, shards: held.keys.size, bytes: opened.bytes, socket: opened.socketPath });
      return opened;
    } catch (error) {
      this.refuse(error, release.request.id);
      return undefined;
    }
  }

  /** Evidence, release, this node's own judgement, and only then the keys. */
  private async obtain(requestId: string): Promise<Held> {
    const transport = await generateTransportKey();
    const releaseId = uuidv7();
    const leaseNonce = new Uint8Array(randomBytes(32));
    const fresh = await this.evidence.collect('release', transport.digest);
    const connection = this.mtls.current(new Date());
    const sentAt = systemBootClock.seconds();
    const answer = await this.requestRelease({ releaseId, requestId, leaseNonce, fresh, transport });
    const accepted = acceptRelease(
      answer,
      { node: this.config.node, releaseId, requestId, akName: fresh.akName, mtlsKeyDigest: connection.keyDigest, transportKeyDigest: transport.digest, evidenceDigest: fresh.digest, leaseNonce },
      { anchors: this.trust.anchors.value, policy: this.trust.policy, now: new Date(), maxAgeSeconds: MAX_DECISION_AGE_SECONDS },
    );
    await this.highWater.accept(accepted.release, (path) => this.client.fetchLogFile(path));
    const keys = await openKeys(answer, accepted, transport.privateKey);
    const { release, lease } = accepted;
    this.report({ event: 'released', release: releaseId, request: requestId, shards: keys.size, logIndex: String(release.entry.index) });
    const keeper = new LeaseKeeper({
      release, lease: lease.value, sentAt, anchors: this.trust.anchors.value, node: this.config.node, client: this.client, evidence: this.evidence, mtls: this.mtls,
      bootClock: systemBootClock, now: () => new Date(), report: this.report, onDeadline: (deadline) => { this.#watchdog.feed(deadline); }, alarm: wait,
    });
    return { accepted, keys, keeper };
  }

  /** One retry with everything the same: the server and the releaser pick up where an interrupted attempt stopped. */
  private async requestRelease(asked: { releaseId: string; requestId: string; leaseNonce: Uint8Array; fresh: Awaited<ReturnType<NodeEvidence['collect']>>; transport: TransportKeyPair }): Promise<ReleaseAnswer> {
    const body = {
      release_id: asked.releaseId,
      request_id: asked.requestId,
      nonce: asked.fresh.nonce,
      transport_key: asked.transport.publicKey,
      evidence: asked.fresh.evidence,
      lease_nonce: toBase64url(asked.leaseNonce),
    };
    const attempt = (): Promise<ReleaseAnswer> => this.client.call('POST', '/v1/node/releases', releaseAnswerSchema, body, this.mtls.current(new Date()));
    return attempt().catch((error: unknown) => {
      if (error instanceof AgentError && error.code === 'server-unreachable') return attempt();
      throw error;
    });
  }

  private async acknowledge(release: string, reason: WipeReason): Promise<boolean> {
    const body = { reason, wiped_at: `${new Date().toISOString().slice(0, 19)}Z` };
    try {
      await this.client.call('POST', `/v1/node/releases/${release}/wipe`, httpApi.releaseView, body, this.mtls.current(new Date()));
      return true;
    } catch {
      // The wipe stands, told or not.
      return false;
    }
  }

  private refuse(error: unknown, request: string | undefined): void {
    const code = (error as { code?: unknown } | null)?.code;
    this.report({
      event: 'refused',
      code: typeof code === 'string' ? code : 'defect',
      reason: error instanceof AgentError ? (error.reason ?? null) : null,
      message: error instanceof Error ? error.message : 'unknown',
      ...(request === undefined ? {} : { request }),
    });
  }

  async close(): Promise<void> {
    this.#watchdog.stop();
    await this.collector.close();
    this.report({ event: 'stopped' });
  }
}

/** Resolves after so many seconds, or at once when `signal` aborts. */
export function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, seconds * 1000);
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish, { once: true });
  });
}
