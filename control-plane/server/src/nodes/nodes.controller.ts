import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi, toInstant, uuid } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import { CertificateAuthority } from '../platform/authority.js';
import type { Person } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentPerson } from '../platform/route.guard.js';
import type { NodeEntity } from './node.entity.js';
import { NodesService } from './nodes.service.js';

@ApiTags('nodes')
@Controller('v1')
export class NodesController {
  constructor(
    private readonly nodes: NodesService,
    private readonly audit: AuditService,
    private readonly authority: CertificateAuthority,
  ) {}

  @Post('nodes')
  @HttpCode(201)
  @RouteAction({ action: 'node.register', principal: 'person' })
  @ApiCreatedResponse({ standardSchema: httpApi.nodeView })
  async register(@Body({ schema: httpApi.registerDocument }) body: z.infer<typeof httpApi.registerDocument>) {
    const { node, eventId } = await this.nodes.register(body.envelope);
    await this.audit.waitForEntry(eventId);
    return view(node);
  }

  @Get('nodes')
  @RouteAction({ action: 'node.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: z.array(httpApi.nodeView) })
  async list() {
    return (await this.nodes.list()).map(view);
  }

  @Get('nodes/:node')
  @RouteAction({ action: 'node.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.nodeView })
  async read(@Param('node', { schema: uuid }) id: string) {
    return view(await this.nodes.get(id));
  }

  @Post('nodes/:node/suspension')
  @HttpCode(200)
  @RouteAction({ action: 'request.revoke', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.revocation })
  async suspend(@Param('node', { schema: uuid }) id: string, @Body({ schema: httpApi.revoke }) body: z.infer<typeof httpApi.revoke>, @CurrentPerson() person: Person) {
    const { eventId } = await this.nodes.suspend(id, person, body.reason);
    const { index } = await this.audit.waitForEntry(eventId);
    return { id, state: 'suspended', log_index: String(index) };
  }

  @Post('enrolments')
  @HttpCode(201)
  @RouteAction({ action: 'node.enrol', principal: 'anyone', surfaces: ['agents'], bodyLimit: 128 * 1024 })
  @ApiCreatedResponse({ standardSchema: httpApi.enrolmentChallenge })
  begin(@Body({ schema: httpApi.beginEnrolment }) body: z.infer<typeof httpApi.beginEnrolment>) {
    return this.nodes.beginEnrolment(body.node, body.endorsement, body.csr);
  }

  @Post('enrolments/:enrolment/activation')
  @HttpCode(200)
  @RouteAction({ action: 'node.enrol', principal: 'anyone', surfaces: ['agents'] })
  @ApiOkResponse({ standardSchema: httpApi.enrolled })
  async activate(@Param('enrolment', { schema: uuid }) id: string, @Body({ schema: httpApi.completeEnrolment }) body: z.infer<typeof httpApi.completeEnrolment>) {
    const { node, certificate, spiffeId, eventId } = await this.nodes.completeEnrolment(id, body.response);
    await this.audit.waitForEntry(eventId);
    return { node: node.id, spiffe_id: spiffeId, certificate: certificate.certificatePem, authority: this.authority.certificatePem, binding: node.binding };
  }
}

function view(node: NodeEntity) {
  return {
    id: node.id,
    enclave: node.enclave,
    kind: node.kind,
    state: node.state,
    hardware_id: node.hardwareId,
    ak_name: node.akName,
    certificate_expires_at: node.certificateExpiresAt === null ? null : toInstant(node.certificateExpiresAt),
  };
}
