import { Body, Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { httpApi, toInstant } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { StrongroomError } from '../platform/errors.js';
import type { Person } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentPerson } from '../platform/route.guard.js';
import { SessionsService } from './sessions.service.js';

@ApiTags('sessions')
@Controller('v1/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Post()
  @HttpCode(201)
  @RouteAction({ action: 'session.create', principal: 'anyone', bodyLimit: 8192 })
  @ApiCreatedResponse({ standardSchema: httpApi.session })
  async create(@Body({ schema: httpApi.createSession }) body: z.infer<typeof httpApi.createSession>) {
    const { person, expiresAt, token } = await this.sessions.signIn(body.assertion);
    return { person: person.id, roles: person.roles, expires_at: toInstant(expiresAt), token };
  }

  @Get('current')
  @RouteAction({ action: 'session.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: httpApi.session })
  async read(@CurrentPerson() person: Person) {
    const session = await this.sessions.inForce(person);
    if (session === undefined) throw new StrongroomError('authentication-required');
    return { person: session.person.id, roles: session.person.roles, expires_at: toInstant(session.expiresAt) };
  }

  @Delete('current')
  @HttpCode(204)
  @RouteAction({ action: 'session.read', principal: 'person' })
  @ApiNoContentResponse()
  async end(@CurrentPerson() person: Person): Promise<void> {
    await this.sessions.signOut(person);
  }
}
