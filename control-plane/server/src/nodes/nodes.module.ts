import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { NodeRegistry } from '../platform/principal.js';
import { NodesController } from './nodes.controller.js';
import { NodesService } from './nodes.service.js';

@Module({
  imports: [AuditModule, DocumentsModule, KeysModule],
  controllers: [NodesController],
  providers: [NodesService, { provide: NodeRegistry, useExisting: NodesService }],
  exports: [NodesService, NodeRegistry],
})
export class NodesModule {}
