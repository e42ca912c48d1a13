import { Module, type DynamicModule } from '@nestjs/common';
import { CertificateAuthority } from './authority.js';
import { Clock } from './clock.js';
import type { Configuration } from './config.js';
import { CrashPoints } from './crash-points.js';
import { Database } from './database.js';
import { HealthController } from './health.controller.js';
import type { Logger } from './logger.js';
import { OpenApi, OpenApiController } from './openapi.js';
import { Randomness } from './randomness.js';
import { TrustAnchors } from './trust-anchors.js';

/** What the program is given rather than makes. */
export interface Platform {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly authority: CertificateAuthority;
  readonly trust: TrustAnchors;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly logger: Logger;
}

export const CONFIGURATION = Symbol('configuration');
export const LOGGER = Symbol('logger');

/**
 * The floor every domain stands on. Global, unlike any other module here: it depends on nothing of ours, so it cannot hide a
 * cycle, and importing it in every domain would say nothing.
 */
@Module({})
export class PlatformModule {
  static forRoot(platform: Platform): DynamicModule {
    const providers = [
      ...platform.configuration.providers(),
      { provide: CONFIGURATION, useValue: platform.configuration },
      { provide: LOGGER, useValue: platform.logger },
      { provide: Database, useValue: platform.database },
      { provide: CertificateAuthority, useValue: platform.authority },
      { provide: TrustAnchors, useValue: platform.trust },
      { provide: Clock, useValue: platform.clock },
      { provide: Randomness, useValue: platform.randomness },
      CrashPoints,
      OpenApi,
    ];
    return { module: PlatformModule, global: true, controllers: [HealthController, OpenApiController], providers, exports: providers };
  }
}
