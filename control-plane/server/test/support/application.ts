import 'reflect-metadata';
import type { DynamicModule, Type } from '@nestjs/common';
import { serverRole } from '@strongroom/control-plane-postgres';
import { AppModule } from '../../src/app.module.js';
import { createApplication, type Application } from '../../src/platform/application.js';
import { createLogger } from '../../src/platform/logger.js';
import type { Platform } from '../../src/platform/platform.module.js';
import { openPlatform } from '../../src/platform/open-platform.js';
import { schema, type Installation } from './installation.js';

export interface TestApplication extends Application {
  readonly platform: Platform;
}

export async function openTestApplication(
  installation: Installation,
  modules: readonly (Type | DynamicModule)[],
  options: { readonly changes?: Record<string, object>; readonly log?: (line: string) => void } = {},
): Promise<TestApplication> {
  const logger = options.log ? createLogger('trace', { write: options.log }) : createLogger('silent');
  const platform = await openPlatform({ configuration: installation.configuration(options.changes), connection: installation.test.connectionFor(serverRole), schema, logger });
  try {
    const application = await createApplication(AppModule.forRoot(platform, modules), platform);
    return { ...application, platform };
  } catch (error) {
    await platform.database.close();
    throw error;
  }
}
