import { mkdirSync } from 'node:fs';
import { serverRole, startPostgres, type PostgresServer } from '@strongroom/control-plane-postgres';
import { AppModule } from './app.module.js';
import { configSections, schema } from './domains.js';
import { createApplication, type Application } from './platform/application.js';
import { CertificateAuthority } from './platform/authority.js';
import { SystemClock } from './platform/clock.js';
import { loadConfig, type Configuration, type Environment } from './platform/config.js';
import { Database, type DatabaseConnection } from './platform/database.js';
import { createLogger, type Logger } from './platform/logger.js';
import { authorityConfig, databaseConfig, databaseUrl, identityConfig, logConfig, type DatabaseConfig } from './platform/platform.config.js';
import type { Platform } from './platform/platform.module.js';
import { SystemRandomness } from './platform/randomness.js';
import { TrustAnchors } from './platform/trust-anchors.js';
import { trustConfig } from './platform/trust.config.js';

const DATABASE = 'strongroom';

export interface RunningServer {
  readonly application: Application;
  readonly peoplePort: number;
  readonly agentsPort: number;
  /** Stops listening, sequences what is recorded, closes the database, and ends it where we started it. */
  close(): Promise<void>;
}

/** The whole program, from its configuration file to open doors. @throws StrongroomError saying what to repair */
export async function startServer(configFile: string, env: Environment): Promise<RunningServer> {
  const configuration = loadConfig(configSections, configFile, env);
  const logger = createLogger(configuration.get(logConfig).level);
  const postgres = await connect(configuration.get(databaseConfig), logger);
  const undo: (() => Promise<void>)[] = [async () => postgres.server?.stop()];
  try {
    const platform = await openPlatform(configuration, postgres.connection, logger);
    undo.unshift(() => platform.database.close());
    const application = await createApplication(AppModule.forRoot(platform), platform);
    undo.unshift(() => application.close());
    const { peoplePort, agentsPort } = await application.listen();
    return { application, peoplePort, agentsPort, close: () => inOrder(undo) };
  } catch (error) {
    await inOrder(undo);
    throw error;
  }
}

export async function openPlatform(configuration: Configuration, connection: DatabaseConnection, logger: Logger): Promise<Platform> {
  const clock = new SystemClock();
  const randomness = new SystemRandomness(clock);
  const identity = configuration.get(identityConfig);
  const trust = TrustAnchors.load(configuration.get(trustConfig), { profile: configuration.profile, identity, now: clock.now() });
  const authority = await CertificateAuthority.load(configuration.get(authorityConfig), clock, randomness);
  const { poolSize, statementTimeoutMs } = configuration.get(databaseConfig);
  const database = await Database.open({ connection, schema, poolSize, statementTimeoutMs });
  return { configuration, database, authority, trust, clock, randomness, logger };
}

/** The configured database, else one of our own (development only, as the configuration has made sure). */
async function connect(config: DatabaseConfig, logger: Logger): Promise<{ connection: DatabaseConnection; server?: PostgresServer }> {
  const url = databaseUrl(config);
  if (url !== undefined) return { connection: { url } };
  mkdirSync(config.folder, { recursive: true });
  const server = await startPostgres({ home: config.folder, log: (line) => { logger.info(line); } });
  await server.ensureRole(serverRole);
  await server.ensureDatabase({ database: DATABASE, owner: serverRole });
  return { server, connection: server.connection({ role: serverRole, database: DATABASE }) };
}

async function inOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}
