import 'reflect-metadata';
import { requestDigest, type AccessRequest, type Approval } from '@strongroom/control-plane-contract';
import { serverRole } from '@strongroom/control-plane-postgres';
import { loadConfig, startReleaser, type RunningReleaser } from '@strongroom/control-plane-releaser';
import { approvalOf, type SignedWorld, type WorldOptions } from '@strongroom/tests-fixtures';
import { toInstant } from '@strongroom/control-plane-contract';
import { AppModule } from '../../src/app.module.js';
import { configSections, domainModules, schema } from '../../src/domains.js';
import { createApplication, type Application } from '../../src/platform/application.js';
import { CertificateAuthority } from '../../src/platform/authority.js';
import { Clock } from '../../src/platform/clock.js';
import { parseConfig } from '../../src/platform/config.js';
import { createLogger } from '../../src/platform/logger.js';
import { openPlatform } from '../../src/platform/open-platform.js';
import { authorityConfig } from '../../src/platform/platform.config.js';
import type { Platform } from '../../src/platform/platform.module.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { ask, type Answer, type Ask } from './http-client.js';
import { installServer, type ServerInstallation } from './server-installation.js';
import { idOf, serverRoster, signInAssertion, type PersonName } from './server-world.js';
import { TestNode } from './test-node.js';

/** Stands still until a test moves it, for server and releaser alike. */
export class TestClock extends Clock {
  #at = Math.floor(Date.now() / 1000) * 1000;
  override readonly now = (): Date => new Date(this.#at);
  advance(seconds: number): void {
    this.#at += seconds * 1000;
  }
}

export type ServerOptions = { readonly seed?: string; readonly capBytes?: number; readonly change?: WorldOptions['change']; readonly configuration?: Record<string, object> };

/**
 * The whole server in this process, on a real PostgreSQL, beside a real releaser on its real socket, with its log on disk. People
 * come over TCP, nodes over mutual TLS.
 */
export class ServerUnderTest {
  readonly #tokens = new Map<PersonName, string>();

  private constructor(
    readonly installation: ServerInstallation,
    readonly clock: TestClock,
    readonly application: Application,
    readonly platform: Platform,
    private releaser: RunningReleaser | undefined,
    readonly ports: { readonly peoplePort: number; readonly agentsPort: number },
    /** What the program wrote to its log. */
    readonly lines: string[],
  ) {}

  static async start(options: ServerOptions = {}): Promise<ServerUnderTest> {
    const clock = new TestClock();
    const installation = await installServer({ ...options, now: clock.now });
    const lines: string[] = [];
    const releaser = await startReleaserOf(installation, clock, lines);
    const configuration = parseConfig(configSections, withChanges(installation.file, options.configuration ?? {}), {});
    const opened = await openPlatform({ configuration, connection: installation.test.connectionFor(serverRole), schema, logger: createLogger('trace', { write: (line) => lines.push(line) }) });
    const randomness = new SystemRandomness(clock);
    const authority = await CertificateAuthority.load(configuration.get(authorityConfig), clock, randomness);
    const platform = { ...opened, clock, randomness, authority };
    const application = await createApplication(AppModule.forRoot(platform, domainModules), platform);
    return new ServerUnderTest(installation, clock, application, platform, releaser, await application.listen(), lines);
  }

  get world(): SignedWorld {
    return this.installation.world;
  }

  async stop(): Promise<void> {
    await this.application.close();
    await this.releaser?.close();
    await this.installation.remove();
  }

  async stopReleaser(): Promise<void> {
    await this.releaser?.close();
    this.releaser = undefined;
  }

  async startReleaser(): Promise<void> {
    this.releaser = await startReleaserOf(this.installation, this.clock, this.lines);
  }

  /** As nobody in particular, on the people's surface unless a host is named. */
  ask(question: Ask): Promise<Answer> {
    return ask({ host: 'localhost', ...question }, this.ports.peoplePort);
  }

  /** As a person: signed in at the first question, and again once `signOut` forgot the token. */
  async as(name: PersonName, question: Omit<Ask, 'token'>): Promise<Answer> {
    return this.ask({ ...question, token: await this.token(name) });
  }

  async token(name: PersonName): Promise<string> {
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const { status, json, text } = await this.signIn(name);
    if (status !== 201) throw new Error(`${name} cannot sign in: ${text}`);
    const { token } = json as { token: string };
    this.#tokens.set(name, token);
    return token;
  }

  signIn(name: PersonName, knobs: Parameters<typeof signInAssertion>[2] = {}): Promise<Answer> {
    return this.ask({ path: '/v1/sessions', body: { assertion: signInAssertion(this.world, name, knobs) } });
  }

  forgetSessions(): void {
    this.#tokens.clear();
  }

  node(options: Parameters<typeof TestNode.create>[2] = {}): Promise<TestNode> {
    return TestNode.create(this.world, { port: this.ports.agentsPort, ca: this.platform.authority.certificatePem }, options);
  }

  /** Roster, policy, enclave, registration and asset in force. @returns the enrolled node */
  async prepare(): Promise<TestNode> {
    const { world } = this;
    await ok(this.ask({ path: '/v1/rosters', body: { envelope: serverRoster(world) } }));
    await ok(this.as('policySigner', { path: '/v1/policies', body: { envelope: world.signPolicy() } }));
    await ok(this.as('platform', { path: '/v1/enclaves', body: { envelope: world.signEnclave() } }));
    await ok(this.as('platform', { path: '/v1/nodes', body: { envelope: world.signRegistration() } }));
    await ok(this.as('custodian', { path: '/v1/assets', body: { manifest: world.signManifest(), wrapped_keys: world.wrappedKeys } }));
    const node = await this.node();
    await ok(node.enrol());
    return node;
  }

  /** What a requester asks for; good but for `change`. */
  wish(change: Record<string, unknown> = {}): Record<string, unknown> {
    const at = (seconds: number): string => toInstant(new Date(this.clock.now().getTime() + seconds * 1000));
    const { manifest, registration } = this.world.documents;
    return { asset: manifest.asset.id, action: 'read_shard', shards: [0, 1], node: registration.node, purpose: 'inference', ticket: 'SR-1042', not_before: at(-60), not_after: at(3600), approve_by: at(3000), max_uses: 5, ...change };
  }

  async createRequest(change: Record<string, unknown> = {}): Promise<AccessRequest> {
    return ((await ok(this.as('requester', { path: '/v1/requests', body: this.wish(change) }))).json as { request: AccessRequest }).request;
  }

  vote(name: 'owner' | 'security' | 'requester', request: AccessRequest, change: Parameters<typeof approvalOf>[3] = (statement) => statement): Approval {
    return approvalOf(this.world, this.world.people[name], request, change);
  }

  /** Sends a vote where alone it is taken: the approval host. */
  async sendVote(name: 'owner' | 'security' | 'requester', request: AccessRequest, vote: unknown = this.vote(name, request)): Promise<Answer> {
    return this.as(name, { path: `/v1/requests/${request.id}/approvals`, host: 'approve.localhost', body: vote });
  }

  /** A request with both approvals. */
  async approvedRequest(change: Record<string, unknown> = {}): Promise<AccessRequest> {
    const request = await this.createRequest(change);
    for (const name of ['owner', 'security'] as const) await ok(this.sendVote(name, request));
    return request;
  }

  personId(name: PersonName): string {
    return idOf(this.world, name);
  }

  digestOf(request: AccessRequest): string {
    return requestDigest(request);
  }

  async rows<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.platform.database.manager.query(sql, [...values]);
  }
}

/** The answer, when it is a success. */
export async function ok(pending: Promise<Answer>): Promise<Answer> {
  const answer = await pending;
  if (answer.status < 200 || answer.status > 299) throw new Error(`status ${String(answer.status)}: ${answer.text}`);
  return answer;
}

async function startReleaserOf(installation: ServerInstallation, clock: TestClock, lines: string[]): Promise<RunningReleaser> {
  return startReleaser(await loadConfig(installation.releaserConfig), { now: clock.now, log: (level, message, fields) => lines.push(JSON.stringify({ level, message, ...fields })), reach: () => undefined });
}

function withChanges(file: Record<string, object | string>, changes: Record<string, object>): Record<string, unknown> {
  return { ...file, ...Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, { ...(file[name] as object | undefined), ...change }])) };
}
