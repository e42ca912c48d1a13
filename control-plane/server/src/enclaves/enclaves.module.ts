import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { EnclavesController } from './enclaves.controller.js';
import { EnclavesService } from './enclaves.service.js';

@Module({ imports: [AuditModule, DocumentsModule], controllers: [EnclavesController], providers: [EnclavesService] })
export class EnclavesModule {}
