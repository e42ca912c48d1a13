import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { serverRole } from '@strongroom/control-plane-postgres';
import { AppModule } from '../../src/app.module.js';
import { createApplication, type Application } from '../../src/platform/application.js';
import { createLogger } from '../../src/platform/logger.js';
import type { Platform } from '../../src/platform/platform.module.js';
import { AccessDecider, NodeRegistry, SessionVerifier, type AccessQuestion, type Decision, type Person } from '../../src/platform/principal.js';
import { openPlatform } from '../../src/server.js';
import type { Installation } from './installation.js';

/** People, nodes and decisions that behave: sessions can be opened, certificates revoked, actions denied. */
export class FakePrincipals {
  readonly sessions = new Map<string, Person>();
  readonly revokedSerials = new Set<string>();
  readonly denied = new Set<string>();
  readonly questions: AccessQuestion[] = [];

  verifySession(token: string): Promise<Person | undefined> {
    return Promise.resolve(this.sessions.get(token));
  }
  acceptsCertificate(_nodeId: string, serial: string): Promise<boolean> {
    return Promise.resolve(!this.revokedSerials.has(serial));
  }
  decideAccess(question: AccessQuestion): Promise<Decision> {
    this.questions.push(question);
    const denied = this.denied.has(question.action);
    return Promise.resolve({ allowed: !denied, reasons: denied ? [{ code: 'test.denied', message: 'the test denies this' }] : [] });
  }
}

export function principalsModule(principals: FakePrincipals): DynamicModule {
  @Module({})
  class FakePrincipalsModule {}
  const providers = [SessionVerifier, NodeRegistry, AccessDecider].map((provide) => ({ provide: provide as never, useValue: principals }));
  return { module: FakePrincipalsModule, providers, exports: providers };
}

export interface TestApplication extends Application {
  readonly platform: Platform;
}

export async function openTestApplication(
  installation: Installation,
  modules: readonly (Type | DynamicModule)[],
  options: { readonly changes?: Record<string, object>; readonly log?: (line: string) => void } = {},
): Promise<TestApplication> {
  const logger = options.log ? createLogger('trace', { write: options.log }) : createLogger('silent');
  const platform = await openPlatform(installation.configuration(options.changes), installation.test.connectionFor(serverRole), logger);
  try {
    const application = await createApplication(AppModule.forRoot(platform, modules), platform);
    return { ...application, platform };
  } catch (error) {
    await platform.database.close();
    throw error;
  }
}
