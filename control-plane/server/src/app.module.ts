import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PlatformModule, type Platform } from './platform/platform.module.js';
import { RouteGuard } from './platform/route.guard.js';

@Module({})
export class AppModule {
  /** @param modules the domains. Among them must be what provides sessions, nodes and decisions. */
  static forRoot(platform: Platform, modules: readonly (Type | DynamicModule)[]): DynamicModule {
    return {
      module: AppModule,
      imports: [PlatformModule.forRoot(platform), ...modules],
      providers: [{ provide: APP_GUARD, useClass: RouteGuard }],
    };
  }
}
