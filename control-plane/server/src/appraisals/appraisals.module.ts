import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { AppraisalsController } from './appraisals.controller.js';
import { appraisalsConfig, type AppraisalsConfig } from './appraisals.config.js';
import { AppraisalsService } from './appraisals.service.js';
import { EarKey } from './ear-key.js';

@Module({
  imports: [AuditModule, DocumentsModule, KeysModule, PoliciesModule],
  controllers: [AppraisalsController],
  providers: [AppraisalsService, { provide: EarKey, inject: [appraisalsConfig.token], useFactory: ({ keyFile }: AppraisalsConfig) => EarKey.load(keyFile) }],
  exports: [AppraisalsService],
})
export class AppraisalsModule {}
