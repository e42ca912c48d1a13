import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi, shortDigest, uuid } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import type { Person } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentPerson } from '../platform/route.guard.js';
import { AccessService, type RequestView } from './access.service.js';

const APPROVAL_LIMIT = 1024 * 1024;

@ApiTags('requests')
@Controller('v1/requests')
export class AccessController {
  constructor(
    private readonly access: AccessService,
    private readonly audit: AuditService,
  ) {}

  @Post()
  @HttpCode(201)
  @RouteAction({ action: 'request.create', principal: 'person' })
  @ApiCreatedResponse({ standardSchema: httpApi.requestView })
  async create(@Body({ schema: httpApi.createRequest }) body: z.infer<typeof httpApi.createRequest>, @CurrentPerson() person: Person) {
    const created = await this.access.create(body, person);
    await this.audit.waitForEntry(created.eventId);
    return view(created);
  }

  @Get()
  @RouteAction({ action: 'request.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: z.array(httpApi.requestView) })
  async list(@CurrentPerson() person: Person) {
    return (await this.access.visibleTo(person)).map(view);
  }

  @Get(':request')
  @RouteAction({ action: 'request.read', principal: 'person', surfaces: ['people', 'approval'] })
  @ApiOkResponse({ standardSchema: httpApi.requestView })
  async read(@Param('request', { schema: uuid }) id: string) {
    return view(await this.access.get(id));
  }

  /** Served on the approval host alone: approval credentials live under its name and do nothing else. */
  @Post(':request/approvals')
  @HttpCode(201)
  @RouteAction({ action: 'request.approve', principal: 'person', surfaces: ['approval'], bodyLimit: APPROVAL_LIMIT })
  @ApiCreatedResponse({ standardSchema: httpApi.requestView })
  async approve(@Param('request', { schema: uuid }) id: string, @Body({ schema: httpApi.submitApproval }) body: z.infer<typeof httpApi.submitApproval>, @CurrentPerson() person: Person) {
    const counted = await this.access.submitApproval(id, body, person);
    await this.audit.waitForEntry(counted.eventId);
    return view(counted);
  }

  @Post(':request/revocation')
  @HttpCode(200)
  @RouteAction({ action: 'request.revoke', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.revocation })
  async revoke(@Param('request', { schema: uuid }) id: string, @Body({ schema: httpApi.revoke }) body: z.infer<typeof httpApi.revoke>, @CurrentPerson() person: Person) {
    const { eventId } = await this.access.revoke(id, body.reason, person);
    const { index } = await this.audit.waitForEntry(eventId);
    return { id, state: 'revoked', log_index: String(index) };
  }

  @Delete(':request')
  @RouteAction({ action: 'request.withdraw', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.revocation })
  async withdraw(@Param('request', { schema: uuid }) id: string, @CurrentPerson() person: Person) {
    const { eventId } = await this.access.withdraw(id, person);
    const { index } = await this.audit.waitForEntry(eventId);
    return { id, state: 'withdrawn', log_index: String(index) };
  }
}

export function view({ entity, state, approvals, quorum, weights }: RequestView) {
  return {
    request: entity.statement,
    digest: entity.digest,
    short_digest: shortDigest(entity.digest),
    state,
    uses: entity.uses,
    policy_digest: entity.policyDigest,
    weights_digest: weights,
    missing: quorum.missing.map((slot) => ({ ...slot })),
    approvals,
  };
}
