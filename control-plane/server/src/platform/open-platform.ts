import { CertificateAuthority } from './authority.js';
import { SystemClock } from './clock.js';
import type { Configuration } from './config.js';
import { Database, type DatabaseConnection, type Schema } from './database.js';
import type { Logger } from './logger.js';
import { authorityConfig, databaseConfig, identityConfig } from './platform.config.js';
import type { Platform } from './platform.module.js';
import { SystemRandomness } from './randomness.js';
import { TrustAnchors } from './trust-anchors.js';
import { trustConfig } from './trust.config.js';

export interface PlatformOptions {
  readonly configuration: Configuration;
  readonly connection: DatabaseConnection;
  readonly schema: Schema;
  readonly logger: Logger;
}

/** Verifies what is trusted, then opens what is leaned on. The caller closes the database. @throws StrongroomError */
export async function openPlatform({ configuration, connection, schema, logger }: PlatformOptions): Promise<Platform> {
  const clock = new SystemClock();
  const randomness = new SystemRandomness(clock);
  const about = { profile: configuration.profile, identity: configuration.get(identityConfig), now: clock.now() };
  const trust = TrustAnchors.load(configuration.get(trustConfig), about);
  const authority = await CertificateAuthority.load(configuration.get(authorityConfig), clock, randomness);
  const { poolSize, statementTimeoutMs } = configuration.get(databaseConfig);
  const database = await Database.open({ connection, schema, poolSize, statementTimeoutMs });
  return { configuration, database, authority, trust, clock, randomness, logger };
}
