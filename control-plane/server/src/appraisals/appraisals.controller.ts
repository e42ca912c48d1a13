import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { httpApi } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import type { Node } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentNode } from '../platform/route.guard.js';
import { AppraisalsService } from './appraisals.service.js';

@ApiTags('attestation')
@Controller('v1/node')
export class AppraisalsController {
  constructor(
    private readonly appraisals: AppraisalsService,
    private readonly audit: AuditService,
  ) {}

  @Post('challenges')
  @HttpCode(201)
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiCreatedResponse({ standardSchema: httpApi.nonceAnswer })
  challenge(@CurrentNode() node: Node, @Body({ schema: httpApi.nodeChallenge }) body: z.infer<typeof httpApi.nodeChallenge>) {
    return this.appraisals.challenge(node, body.purpose);
  }

  @Post('attestations')
  @HttpCode(201)
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiCreatedResponse({ standardSchema: httpApi.attestationAnswer })
  async attest(@CurrentNode() node: Node, @Body({ schema: httpApi.attest }) body: z.infer<typeof httpApi.attest>) {
    const { result, ear, eventId } = await this.appraisals.appraise(node, { purpose: 'enrol', nonce: body.nonce, transportKey: body.transport_key, evidence: body.evidence });
    await this.audit.waitForEntry(eventId);
    return { status: result.status, ear, environment: result.environment, reasons: result.reasons };
  }
}
