import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { SessionVerifier } from '../platform/principal.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';

@Module({
  imports: [AuditModule, DocumentsModule],
  controllers: [SessionsController],
  providers: [SessionsService, { provide: SessionVerifier, useExisting: SessionsService }],
  exports: [SessionsService, SessionVerifier],
})
export class PeopleModule {}
