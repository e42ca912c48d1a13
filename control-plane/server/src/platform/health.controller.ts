import { Controller, Get } from '@nestjs/common';
import { Database } from './database.js';
import { StrongroomError } from './errors.js';
import { RouteAction } from './route-action.js';

@Controller('healthz')
export class HealthController {
  constructor(private readonly database: Database) {}

  /** Whether this process can do its work now; says nothing about how. */
  @Get()
  @RouteAction({ action: 'health.read', principal: 'anyone', surfaces: ['people', 'agents'] })
  async health(): Promise<{ status: 'ok' }> {
    await this.database.manager.query('SELECT 1').catch((cause: unknown) => {
      throw new StrongroomError('database-unavailable', undefined, { cause });
    });
    return { status: 'ok' };
  }
}
