import type { DynamicModule, Type } from '@nestjs/common';
import { AccessRequestEntity, ApprovalEntity } from './access/access-request.entity.js';
import { Access1763800000700 } from './access/1763800000700-access.migration.js';
import { AccessModule } from './access/access.module.js';
import { AppraisalEntity, ChallengeEntity } from './appraisals/appraisal.entity.js';
import { Appraisals1763800000400 } from './appraisals/1763800000400-appraisals.migration.js';
import { appraisalsConfig } from './appraisals/appraisals.config.js';
import { AppraisalsModule } from './appraisals/appraisals.module.js';
import { AssetEntity, WrappedKeyEntity } from './assets/asset.entity.js';
import { Assets1763800000500 } from './assets/1763800000500-assets.migration.js';
import { AssetsModule } from './assets/assets.module.js';
import { Audit1763800000000 } from './audit/1763800000000-audit.migration.js';
import { auditConfig } from './audit/audit.config.js';
import { AuditModule } from './audit/audit.module.js';
import { Budgets1763800000600 } from './budgets/1763800000600-budgets.migration.js';
import { BudgetsModule } from './budgets/budgets.module.js';
import { LedgerEntity } from './budgets/ledger.entity.js';
import { DocumentEntity } from './documents/document.entity.js';
import { Documents1763800000100 } from './documents/1763800000100-documents.migration.js';
import { DocumentsModule } from './documents/documents.module.js';
import { EnclavesModule } from './enclaves/enclaves.module.js';
import { keysConfig } from './keys/keys.config.js';
import { KeysModule } from './keys/keys.module.js';
import { Nodes1763800000300 } from './nodes/1763800000300-nodes.migration.js';
import { EnrolmentEntity, NodeEntity } from './nodes/node.entity.js';
import { NodesModule } from './nodes/nodes.module.js';
import { People1763800000200 } from './people/1763800000200-people.migration.js';
import { peopleConfig } from './people/people.config.js';
import { PeopleModule } from './people/people.module.js';
import { SessionEntity } from './people/session.entity.js';
import type { ConfigSection } from './platform/config.js';
import type { Schema } from './platform/database.js';
import { platformSections } from './platform/platform.config.js';
import { policiesConfig } from './policies/policies.config.js';
import { PoliciesModule } from './policies/policies.module.js';
import { ReleaseEntity } from './releases/release.entity.js';
import { Releases1763800000800 } from './releases/1763800000800-releases.migration.js';
import { ReleasesModule } from './releases/releases.module.js';

/** Every domain, from the floor up. A new domain adds its configuration, tables and module here, and nowhere else. */

export const configSections: readonly ConfigSection[] = [...platformSections, auditConfig, peopleConfig, policiesConfig, keysConfig, appraisalsConfig];

export const schema: Schema = {
  entities: [DocumentEntity, SessionEntity, NodeEntity, EnrolmentEntity, ChallengeEntity, AppraisalEntity, AssetEntity, WrappedKeyEntity, LedgerEntity, AccessRequestEntity, ApprovalEntity, ReleaseEntity],
  migrations: [
    Audit1763800000000,
    Documents1763800000100,
    People1763800000200,
    Nodes1763800000300,
    Appraisals1763800000400,
    Assets1763800000500,
    Budgets1763800000600,
    Access1763800000700,
    Releases1763800000800,
  ],
};

export const domainModules: readonly (Type | DynamicModule)[] = [
  AuditModule,
  DocumentsModule,
  KeysModule,
  PeopleModule,
  PoliciesModule,
  EnclavesModule,
  NodesModule,
  AppraisalsModule,
  AssetsModule,
  BudgetsModule,
  AccessModule,
  ReleasesModule,
];
