import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import { RouteAction } from '../platform/route-action.js';
import { type DocumentKind } from './document-kind.js';
import { DocumentsService } from './documents.service.js';
import { TrustAnchors } from '../platform/trust-anchors.js';

type Register = z.infer<typeof httpApi.registerDocument>;

// An enclave document may be long; the others are small, but share the limit of their shape.
const LIMIT = 2 * 1024 * 1024;

@ApiTags('documents')
@Controller('v1')
export class DocumentsController {
  constructor(
    private readonly documents: DocumentsService,
    private readonly audit: AuditService,
    private readonly trust: TrustAnchors,
  ) {}

  @Post('rosters')
  @HttpCode(201)
  @RouteAction({ action: 'roster.register', principal: 'anyone', bodyLimit: LIMIT })
  @ApiCreatedResponse({ standardSchema: httpApi.registeredDocument })
  registerRoster(@Body({ schema: httpApi.registerDocument }) body: Register) {
    // Open to anyone: before the first roster nobody can sign in, and the roots' threshold signature is what counts.
    return this.register('roster', body);
  }

  @Post('policies')
  @HttpCode(201)
  @RouteAction({ action: 'policy.register', principal: 'person' })
  @ApiCreatedResponse({ standardSchema: httpApi.registeredDocument })
  registerPolicy(@Body({ schema: httpApi.registerDocument }) body: Register) {
    return this.register('policy', body);
  }

  @Get('documents')
  @RouteAction({ action: 'document.read', principal: 'anyone', surfaces: ['people', 'agents', 'approval'] })
  @ApiOkResponse({ standardSchema: httpApi.documentBundle })
  async read() {
    const [rosters, policies, enclaves] = await Promise.all([this.documents.newest('roster'), this.documents.newest('policy'), this.documents.newest('enclave')]);
    return {
      anchors: this.trust.anchors.envelope,
      genesis: this.trust.genesis.envelope,
      roster: rosters[0] ?? null,
      policy: policies[0] ?? null,
      enclaves,
    };
  }

  private async register(kind: DocumentKind, { envelope }: Register) {
    const { subject, version, signed, eventId } = await this.documents.register(kind, envelope);
    const { index } = await this.audit.waitForEntry(eventId);
    return { kind, subject, version, digest: signed.digest, log_index: String(index) };
  }
}
