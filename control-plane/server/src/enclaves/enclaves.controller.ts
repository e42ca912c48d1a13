import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { httpApi } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import { RouteAction } from '../platform/route-action.js';
import { EnclavesService } from './enclaves.service.js';

@ApiTags('enclaves')
@Controller('v1/enclaves')
export class EnclavesController {
  constructor(
    private readonly enclaves: EnclavesService,
    private readonly audit: AuditService,
  ) {}

  @Post()
  @HttpCode(201)
  @RouteAction({ action: 'enclave.register', principal: 'person', bodyLimit: 2 * 1024 * 1024 })
  @ApiCreatedResponse({ standardSchema: httpApi.registeredDocument })
  async register(@Body({ schema: httpApi.registerDocument }) body: z.infer<typeof httpApi.registerDocument>) {
    const { kind, subject, version, signed, eventId } = await this.enclaves.register(body.envelope);
    const { index } = await this.audit.waitForEntry(eventId);
    return { kind, subject, version, digest: signed.digest, log_index: String(index) };
  }
}
