import { applyDecorators, SetMetadata } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { StrongroomError } from './errors.js';

/** Where a route can be reached: the people's host, the approval host, or the agents' mutual-TLS listener. */
export type Surface = 'people' | 'approval' | 'agents';

export interface RouteActionOptions {
  /** What policy decides on, `noun.verb`. */
  readonly action: string;
  /** Who may be asked about at all. `anyone` skips authentication and policy: for what is public by nature. */
  readonly principal: 'person' | 'node' | 'anyone';
  /** Default: agents for a node, people otherwise. */
  readonly surfaces?: readonly Surface[];
  /** Bytes; default `listeners.bodyLimitBytes`. */
  readonly bodyLimit?: number;
}

export type DeclaredAction = Required<Omit<RouteActionOptions, 'bodyLimit'>> & { readonly bodyLimit: number | undefined };

export const ROUTE_ACTION = 'strongroom:route-action';

/** Names of the security schemes in the OpenAPI description. */
export const SECURITY_OF = { person: 'session', node: 'node-certificate' } as const;

declare module 'fastify' {
  interface FastifyContextConfig {
    strongroomAction?: DeclaredAction;
  }
}

/** Declares what a route does and for whom. A route without it stops the program at boot. */
export function RouteAction(options: RouteActionOptions): MethodDecorator {
  const declared: DeclaredAction = {
    action: options.action,
    principal: options.principal,
    surfaces: options.surfaces ?? [options.principal === 'node' ? 'agents' : 'people'],
    bodyLimit: options.bodyLimit,
  };
  const described = options.principal === 'anyone' ? [] : [ApiSecurity(SECURITY_OF[options.principal])];
  return applyDecorators(SetMetadata(ROUTE_ACTION, declared), RouteConfig({ strongroomAction: declared }), ...described);
}

export interface ListedRoute extends DeclaredAction {
  readonly method: string;
  readonly path: string;
}

/**
 * Watches every route Fastify is given, whoever gives it: refuses one without an action, and sets its body limit.
 * @returns the routes seen so far, filled as they are declared.
 */
export function watchRoutes(fastify: FastifyInstance, defaultBodyLimit: number): readonly ListedRoute[] {
  const routes: ListedRoute[] = [];
  fastify.addHook('onRoute', (route: RouteOptions) => {
    const declared = route.config?.strongroomAction;
    if (declared === undefined) throw new StrongroomError('route-undeclared', `${String(route.method)} ${route.url} declares no action`);
    route.bodyLimit = declared.bodyLimit ?? defaultBodyLimit;
    routes.push({ method: String(route.method), path: route.url, ...declared });
  });
  return routes;
}
