import 'reflect-metadata';
import { serverRole } from '@strongroom/control-plane-postgres';
import { loadConfig, startReleaser, type RunningReleaser } from '@strongroom/control-plane-releaser';
import type { SignedWorld, WorldOptions } from '@strongroom/tests-fixtures';
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
import { People } from './people.js';
import { installServer, type ServerInstallation } from './server-installation.js';
import type { Listener } from './test-node.js';

/** Stands still until a test moves it, for server and releaser alike. */
export class TestClock extends Clock {
  #at = Math.floor(Date.now() / 1000) * 1000;
  override readonly now = (): Date => new Date(this.#at);
  advance(seconds: number): void {
    this.#at += seconds * 1000;
  }
}

export type ServerOptions = { readonly seed?: string; readonly capBytes?: number; readonly change?: WorldOptions['change']; readonly configuration?: (installation: ServerInstallation) => Record<string, object> };

/**
 * The whole server in this process, on a real PostgreSQL, beside a real releaser on its real socket, with its log on disk. People
 * come over TCP, nodes over mutual TLS.
 */
export class ServerUnderTest extends People {

  private constructor(
    readonly installation: ServerInstallation,
    readonly clock: TestClock,
    readonly application: Application,
    readonly platform: Platform,
    private releaser: RunningReleaser | undefined,
    readonly ports: { readonly peoplePort: number; readonly agentsPort: number },
    /** What the program wrote to its log. */
    readonly lines: string[],
  ) {
    super();
  }

  static async start(options: ServerOptions = {}): Promise<ServerUnderTest> {
    const clock = new TestClock();
    const installation = await installServer({ ...options, now: clock.now });
    const lines: string[] = [];
    const releaser = await startReleaserOf(installation, clock, lines);
    const configuration = parseConfig(configSections, withChanges(installation.file, options.configuration?.(installation) ?? {}), {});
    const opened = await openPlatform({ configuration, connection: installation.test.connectionFor(serverRole), schema, logger: createLogger('trace', { write: (line) => lines.push(line) }) });
    const randomness = new SystemRandomness(clock);
    const authority = await CertificateAuthority.load(configuration.get(authorityConfig), clock, randomness);
    const platform = { ...opened, clock, randomness, authority };
    const application = await createApplication(AppModule.forRoot(platform, domainModules), platform);
    return new ServerUnderTest(installation, clock, application, platform, releaser, await application.listen(), lines);
  }

  override get world(): SignedWorld {
    return this.installation.world;
  }

  protected override get peoplePort(): number {
    return this.ports.peoplePort;
  }

  protected override get agents(): Listener {
    return { port: this.ports.agentsPort, ca: this.platform.authority.certificatePem };
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

  async rows<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.platform.database.manager.query(sql, [...values]);
  }
}

async function startReleaserOf(installation: ServerInstallation, clock: TestClock, lines: string[]): Promise<RunningReleaser> {
  return startReleaser(await loadConfig(installation.releaserConfig), { now: clock.now, log: (level, message, fields) => lines.push(JSON.stringify({ level, message, ...fields })), reach: () => undefined });
}

function withChanges(file: Record<string, object | string>, changes: Record<string, object>): Record<string, unknown> {
  return { ...file, ...Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, { ...(file[name] as object | undefined), ...change }])) };
}
