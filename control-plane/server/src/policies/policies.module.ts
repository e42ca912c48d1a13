import { Module } from '@nestjs/common';
import { createPolicyEngine, loadBuiltBundle, PolicyEngine } from '@strongroom/policies-engine';
import { DocumentsModule } from '../documents/documents.module.js';
import { PeopleModule } from '../people/people.module.js';
import type { Configuration } from '../platform/config.js';
import { CONFIGURATION } from '../platform/platform.module.js';
import { AccessDecider } from '../platform/principal.js';
import { policiesConfig, type PoliciesConfig } from './policies.config.js';
import { PoliciesService } from './policies.service.js';

@Module({
  imports: [DocumentsModule, PeopleModule],
  providers: [
    {
      provide: PolicyEngine,
      inject: [CONFIGURATION, policiesConfig.token],
      useFactory: ({ profile }: Configuration, { revision }: PoliciesConfig) => createPolicyEngine({ ...loadBuiltBundle(profile), revision }),
    },
    PoliciesService,
    { provide: AccessDecider, useExisting: PoliciesService },
  ],
  exports: [PoliciesService, PolicyEngine, AccessDecider],
})
export class PoliciesModule {}
