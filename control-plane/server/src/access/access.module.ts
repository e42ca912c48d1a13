import { Module } from '@nestjs/common';
import { AssetsModule } from '../assets/assets.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { NodesModule } from '../nodes/nodes.module.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { AccessPolicyContext } from './access-policy-context.js';
import { AccessController } from './access.controller.js';
import { AccessService } from './access.service.js';

@Module({
  imports: [AuditModule, DocumentsModule, KeysModule, PoliciesModule, NodesModule, AssetsModule],
  controllers: [AccessController],
  providers: [AccessService, AccessPolicyContext],
  exports: [AccessService],
})
export class AccessModule {}
