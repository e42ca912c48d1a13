import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { AssetsController } from './assets.controller.js';
import { AssetsService } from './assets.service.js';

@Module({ imports: [AuditModule, DocumentsModule, KeysModule], controllers: [AssetsController], providers: [AssetsService], exports: [AssetsService] })
export class AssetsModule {}
