import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { toBase64url } from '@strongroom/attestation-encoding';
import { httpApi, manifestBytes, uuid } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import type { Person } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentPerson } from '../platform/route.guard.js';
import { AssetsService, type Asset } from './assets.service.js';

const LIMIT = 16 * 1024 * 1024;

@ApiTags('assets')
@Controller('v1/assets')
export class AssetsController {
  constructor(
    private readonly assets: AssetsService,
    private readonly audit: AuditService,
  ) {}

  @Post()
  @HttpCode(201)
  @RouteAction({ action: 'asset.register', principal: 'person', bodyLimit: LIMIT })
  @ApiCreatedResponse({ standardSchema: httpApi.assetDetail })
  async register(@Body({ schema: httpApi.registerAsset }) body: z.infer<typeof httpApi.registerAsset>, @CurrentPerson() person: Person) {
    return this.detail(await this.assets.register(body.manifest, body.wrapped_keys, person));
  }

  @Get()
  @RouteAction({ action: 'asset.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: z.array(httpApi.assetView) })
  async list() {
    return Promise.all((await this.assets.list()).map((asset) => this.view(asset)));
  }

  @Get(':asset')
  @RouteAction({ action: 'asset.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.assetDetail })
  async read(@Param('asset', { schema: uuid }) id: string) {
    return this.detail(await this.assets.get(id));
  }

  @Post(':asset/revocation')
  @HttpCode(200)
  @RouteAction({ action: 'request.revoke', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.revocation })
  async revoke(@Param('asset', { schema: uuid }) id: string, @Body({ schema: httpApi.revoke }) body: z.infer<typeof httpApi.revoke>, @CurrentPerson() person: Person) {
    const { eventId } = await this.assets.revoke(id, person, body.reason);
    const { index } = await this.audit.waitForEntry(eventId);
    return { id, state: 'revoked', log_index: String(index) };
  }

  private async view({ entity, manifest }: Asset) {
    const { index } = await this.audit.waitForEntry(entity.eventId);
    return {
      id: entity.id,
      name: entity.name,
      class: entity.class,
      owner: entity.owner,
      state: entity.state,
      version: entity.version,
      manifest_digest: entity.manifestDigest,
      bytes: manifestBytes(manifest),
      shards: manifest.shards.map((shard) => ({ index: shard.index, path: shard.path, bytes: shard.plaintext_bytes })),
      log_index: String(index),
    };
  }

  private async detail(asset: Asset) {
    const proven = await this.audit.waitForEntry(asset.entity.eventId);
    return { ...(await this.view(asset)), manifest: asset.entity.manifest, manifest_entry: { entry: toBase64url(proven.entry), proof: proven.proof } };
  }
}
