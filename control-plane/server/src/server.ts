import { mkdirSync } from 'node:fs';
import { serverRole, startPostgres, type PostgresServer } from '@strongroom/control-plane-postgres';
import { AppModule } from './app.module.js';
import { configSections, domainModules, schema } from './domains.js';
import { createApplication, type Application } from './platform/application.js';
import { loadConfig, type Environment } from './platform/config.js';
import type { DatabaseConnection } from './platform/database.js';
import { createLogger, type Logger } from './platform/logger.js';
import { openPlatform } from './platform/open-platform.js';
import { databaseConfig, databaseConnection, logConfig, type DatabaseConfig } from './platform/platform.config.js';

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
    const platform = await openPlatform({ configuration, connection: postgres.connection, schema, logger });
    undo.unshift(() => platform.database.close());
    const application = await createApplication(AppModule.forRoot(platform, domainModules), platform);
    undo.unshift(() => application.close());
    const { peoplePort, agentsPort } = await application.listen();
    return { application, peoplePort, agentsPort, close: () => inOrder(undo) };
  } catch (error) {
    await inOrder(undo);
    throw error;
  }
}

/** The configured database, else one of our own (development only, as the configuration has made sure). */
async function connect(config: DatabaseConfig, logger: Logger): Promise<{ connection: DatabaseConnection; server?: PostgresServer }> {
  const configured = databaseConnection(config);
  if (configured !== undefined) return { connection: configured };
  mkdirSync(config.folder, { recursive: true });
  const server = await startPostgres({ home: config.folder, log: (line) => { logger.info(line); } });
  await server.ensureRole(serverRole);
  await server.ensureDatabase({ database: DATABASE, owner: serverRole });
  return { server, connection: server.connection({ role: serverRole, database: DATABASE }) };
}

async function inOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}
