import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi, releaseAnswerSchema, toInstant, uuid } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { AccessService } from '../access/access.service.js';
import { view as requestView } from '../access/access.controller.js';
import { AssetsService } from '../assets/assets.service.js';
import type { Node } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentNode } from '../platform/route.guard.js';
import { LeasesService } from './leases.service.js';
import type { ReleaseEntity } from './release.entity.js';
import { ReleasesService } from './releases.service.js';

@ApiTags('releases')
@Controller('v1')
export class ReleasesController {
  constructor(
    private readonly releases: ReleasesService,
    private readonly leases: LeasesService,
    private readonly access: AccessService,
    private readonly assets: AssetsService,
  ) {}

  /** What this node has been granted and may open now. */
  @Get('node/requests')
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiOkResponse({ standardSchema: z.array(httpApi.nodeRequestView) })
  async granted(@CurrentNode() node: Node) {
    const open = (await this.access.list({ node: node.id })).filter(({ state }) => state === 'approved' || state === 'active');
    return Promise.all(open.map(async (request) => ({ ...requestView(request), manifest: (await this.assets.get(request.entity.asset)).entity.manifest })));
  }

  @Post('node/releases')
  @HttpCode(201)
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiCreatedResponse({ standardSchema: releaseAnswerSchema })
  create(@CurrentNode() node: Node, @Body({ schema: httpApi.createRelease }) body: z.infer<typeof httpApi.createRelease>) {
    return this.releases.release(node, body);
  }

  @Post('node/releases/:release/renewals')
  @HttpCode(201)
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiCreatedResponse({ standardSchema: httpApi.leaseAnswer })
  renew(@CurrentNode() node: Node, @Param('release', { schema: uuid }) id: string, @Body({ schema: httpApi.renewLease }) body: z.infer<typeof httpApi.renewLease>) {
    return this.leases.renew(node, id, body);
  }

  @Post('node/releases/:release/wipe')
  @HttpCode(200)
  @RouteAction({ action: 'node.self', principal: 'node' })
  @ApiOkResponse({ standardSchema: httpApi.releaseView })
  async wiped(@CurrentNode() node: Node, @Param('release', { schema: uuid }) id: string, @Body({ schema: httpApi.acknowledgeWipe }) body: z.infer<typeof httpApi.acknowledgeWipe>) {
    return view(await this.leases.acknowledgeWipe(node, id, body));
  }

  @Get('requests/:request/releases')
  @RouteAction({ action: 'request.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: z.array(httpApi.releaseView) })
  async ofRequest(@Param('request', { schema: uuid }) request: string) {
    return (await this.leases.list({ request })).map(view);
  }
}

function view(release: ReleaseEntity) {
  return {
    id: release.id,
    request: release.request,
    node: release.node,
    asset: release.asset,
    state: release.state,
    bytes: release.statement.bytes,
    lease_until: release.leaseUntil === null ? null : toInstant(release.leaseUntil),
    ended: release.endedAt === null ? null : { at: toInstant(release.endedAt), reason: release.endReason ?? '' },
  };
}
