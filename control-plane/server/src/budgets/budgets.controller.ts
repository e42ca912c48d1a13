import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi, manifestBytes, releaseCaps, uuid } from '@strongroom/control-plane-contract';
import { AssetsService } from '../assets/assets.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { StrongroomError } from '../platform/errors.js';
import { RouteAction } from '../platform/route-action.js';
import { BudgetsService } from './budgets.service.js';

@ApiTags('budgets')
@Controller('v1/assets')
export class BudgetsController {
  constructor(
    private readonly budgets: BudgetsService,
    private readonly assets: AssetsService,
    private readonly documents: DocumentsService,
  ) {}

  @Get(':asset/budget')
  @RouteAction({ action: 'budget.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.budgetView })
  async read(@Param('asset', { schema: uuid }) id: string) {
    const { manifest } = await this.assets.get(id);
    const [enclaveId] = manifest.enclaves;
    if (enclaveId === undefined) throw new StrongroomError('not-found');
    const enclave = await this.documents.required('enclave', enclaveId);
    const caps = releaseCaps(enclave.value, manifestBytes(manifest));
    return {
      asset: id,
      route: 'release',
      window_seconds: caps.windowSeconds,
      used_bytes: await this.budgets.used(id, 'release', caps.windowSeconds),
      cap_bytes: Math.min(caps.relativeCapBytes, caps.absoluteCapBytes),
    };
  }
}
