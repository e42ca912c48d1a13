import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { AppraisalsModule } from '../appraisals/appraisals.module.js';
import { AssetsModule } from '../assets/assets.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { NodesModule } from '../nodes/nodes.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { LeasesService } from './leases.service.js';
import { ReleaseMaterialService } from './release-material.js';
import { ReleasesController } from './releases.controller.js';
import { ReleasesService } from './releases.service.js';

@Module({
  imports: [AuditModule, DocumentsModule, KeysModule, PoliciesModule, NodesModule, AppraisalsModule, AssetsModule, BudgetsModule, AccessModule],
  controllers: [ReleasesController],
  providers: [ReleaseMaterialService, ReleasesService, LeasesService],
})
export class ReleasesModule {}
