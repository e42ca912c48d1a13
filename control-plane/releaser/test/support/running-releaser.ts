import { fromBase64url, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { openFrom, releaseInfo, type ReleaserOperations } from '@strongroom/control-plane-contract';
import { releaserRole } from '@strongroom/control-plane-postgres';
import { activationResponse, evidenceOf, signRelease, type ReleaseOptions, type SignedRelease, type SignedWorld, type WorldOptions } from '@strongroom/tests-fixtures';
import { leafHash } from '@strongroom/attestation-tlog';
import { Client, type QueryResultRow } from 'pg';
import { loadConfig } from '../../src/process/config.js';
import { startReleaser, type RunningReleaser } from '../../src/start.js';
import { install, type Installation } from './releaser-installation.js';
import { SocketClient } from './socket-client.js';

/** A clock that stands still until a test moves it. */
export class TestClock {
  constructor(private at: Date = new Date()) {}
  readonly now = (): Date => new Date(this.at);
  advance(seconds: number): void {
    this.at = new Date(this.at.getTime() + seconds * 1000);
  }
}

export type Answer = ReleaserOperations['release']['answer'];

/** A releaser in this process, over its real socket and a real database, with an enrolled node of its world. */
export class ReleaserUnderTest {
  private constructor(
    readonly installation: Installation,
    readonly clock: TestClock,
    private running: RunningReleaser,
    readonly client: SocketClient,
    readonly logLines: readonly string[],
  ) {}

  /** The node's binding in force; set by `enrol`. */
  binding: DsseEnvelope | undefined;

  static async start(options: Omit<WorldOptions, 'keyService' | 'now'> & { readonly at?: Date } = {}): Promise<ReleaserUnderTest> {
    const clock = new TestClock(options.at);
    const installation = await install({ ...options, now: clock.now });
    const lines: string[] = [];
    const running = await startReleaser(await loadConfig(installation.configFile), {
      now: clock.now,
      log: (level, message, fields) => lines.push(JSON.stringify({ level, message, ...fields })),
      reach: () => undefined,
    });
    return new ReleaserUnderTest(installation, clock, running, new SocketClient(installation.socket), lines);
  }

  get world(): SignedWorld {
    return this.installation.world;
  }

  async challenge(purpose: 'enrol' | 'release' | 'renew'): Promise<string> {
    return (await this.client.call('challenge', { node: this.world.nodeId, purpose })).nonce;
  }

  /** Enrols the world's node. @returns its binding, which the next releases carry */
  async enrol(change: { readonly mtlsKeyDigest?: string } = {}): Promise<DsseEnvelope> {
    const { world } = this;
    const mtlsKeyDigest = change.mtlsKeyDigest ?? world.mtlsKeyDigest;
    const begun = await this.client.call('enrol-begin', { registration: world.signRegistration() as never, endorsement: world.node.endorsement, mtls_key_digest: mtlsKeyDigest, csr_digest: world.csrDigest });
    const secret = world.node.open(begun.challenge);
    const message = { tenant: world.tenant, node: world.nodeId, ak_name: world.node.akName, csr_digest: world.csrDigest, mtls_key_digest: mtlsKeyDigest };
    const { binding } = await this.client.call('enrol-complete', { enrolment: begun.enrolment, response: activationResponse(secret, message) });
    this.binding = binding;
    return binding;
  }

  /** A release put together for a fresh challenge. */
  async sign(options: Partial<ReleaseOptions> = {}): Promise<SignedRelease> {
    return signRelease(this.world, { nonce: options.nonce ?? (await this.challenge('release')), ...(this.binding === undefined ? {} : { binding: this.binding }), ...options });
  }

  async renewal(release: SignedRelease, options: Pick<Partial<ReleaseOptions>, 'nonce' | 'pcrs' | 'attest'> & { readonly change?: Parameters<typeof evidenceOf>[1]['changeBinding']; readonly enclave?: DsseEnvelope } = {}): Promise<ReleaserOperations['renew']['request']> {
    const nonce = options.nonce ?? (await this.challenge('renew'));
    return {
      release_id: release.body.release_id,
      evidence: evidenceOf(this.world, { ...options, nonce, purpose: 'renew', transportKeyDigest: release.transport.digest, changeBinding: options.change }),
      nonce,
      lease_nonce: release.body.lease_nonce,
      enclave: (options.enclave ?? this.world.signEnclave()) as never,
    };
  }

  /** Opens the released keys as the agent does. */
  async open(release: SignedRelease, answer: Answer): Promise<Uint8Array[]> {
    const entry = fromBase64url(release.body.material.release_entry.entry, 65_535);
    return Promise.all(answer.keys.map(({ shard, sealed }) => openFrom(release.transport.privateKey, sealed, releaseInfo(release.statement, shard), leafHash(entry))));
  }

  async rows<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ ...this.installation.database.connectionFor(releaserRole) });
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Releases, debits and used nonces: what must not change when something is refused. */
  async counts(): Promise<{ releases: number; debited: number; used: number }> {
    const [row] = await this.rows<{ releases: string; debited: string; used: string }>(
      'SELECT (SELECT count(*) FROM release) AS releases, (SELECT coalesce(sum(bytes), 0) FROM ledger) AS debited, (SELECT count(*) FROM nonce WHERE used_at IS NOT NULL) AS used',
    );
    return { releases: Number(row?.releases), debited: Number(row?.debited), used: Number(row?.used) };
  }

  async stop(): Promise<void> {
    await this.running.close();
    await this.installation.remove();
  }

}
