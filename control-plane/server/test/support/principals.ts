import { Module, type DynamicModule } from '@nestjs/common';
import { AccessDecider, NodeRegistry, SessionVerifier, type AccessQuestion, type Decision, type Person } from '../../src/platform/principal.js';

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
