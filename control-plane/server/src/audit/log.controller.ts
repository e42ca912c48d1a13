import { Controller, Get, Header, Inject, Param, Res, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { CHECKPOINT_PATH, parseTilePath, type LogStorage } from '@strongroom/attestation-tlog';
import type { FastifyReply } from 'fastify';
import { StrongroomError } from '../platform/errors.js';
import { RouteAction } from '../platform/route-action.js';
import { LOG_STORAGE } from './log-reader.js';

/** The log as any C2SP tlog-tiles client reads it. Public: the entries carry no secret and no personal data in the clear. */
@ApiTags('log')
@Controller('log')
export class LogController {
  constructor(@Inject(LOG_STORAGE) private readonly storage: LogStorage) {}

  @Get('checkpoint')
  @RouteAction({ action: 'log.read', principal: 'anyone', surfaces: ['people', 'agents'] })
  @Header('cache-control', 'no-cache')
  @ApiOkResponse({ description: 'Signed checkpoint (c2sp.org/tlog-checkpoint)' })
  async checkpoint(): Promise<StreamableFile> {
    return this.#file(CHECKPOINT_PATH, 'text/plain; charset=utf-8');
  }

  @Get('tile/*')
  @RouteAction({ action: 'log.read', principal: 'anyone', surfaces: ['people', 'agents'] })
  @ApiOkResponse({ description: 'Tile or entry bundle (c2sp.org/tlog-tiles)' })
  async tile(@Param('*') rest: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    const path = `tile/${rest}`;
    try {
      parseTilePath(path);
    } catch (cause) {
      throw new StrongroomError('not-found', 'there is no such tile', { cause });
    }
    const file = await this.#file(path, 'application/octet-stream');
    // Only now: a 404 for a tile that is still to come must not be kept.
    void reply.header('cache-control', 'public, max-age=31536000, immutable');
    return file;
  }

  async #file(path: string, type: string): Promise<StreamableFile> {
    const bytes = await this.storage.read(path);
    if (!bytes) throw new StrongroomError('not-found', 'the log has no such file');
    return new StreamableFile(bytes, { type, length: bytes.length });
  }
}
