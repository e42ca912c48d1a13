import helmet from '@fastify/helmet';
import { StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StrongroomError, type Fault } from './errors.js';
import { openListeners, type Listeners } from './listeners.js';
import { NestLogger } from './logger.js';
import { OpenApi } from './openapi.js';
import { listenersConfig } from './platform.config.js';
import type { Platform } from './platform.module.js';
import { ProblemFilter, sendProblem, toStrongroomError } from './problem.js';
import { watchRoutes, type ListedRoute } from './route-action.js';
import { parseStrictJson } from './strict-json.js';
import { guardSurfaces } from './surface.js';

export interface Application {
  readonly nest: NestFastifyApplication;
  /** Every route with its action, sorted by path and method. */
  readonly routes: readonly ListedRoute[];
  /** Opens the people's and the agents' listener. */
  listen(): Promise<Listeners>;
  close(): Promise<void>;
}

/**
 * Builds the one application, not yet listening. Fails when a route declares no action or a required part is missing.
 * @throws StrongroomError `route-undeclared` | `provider-missing`
 */
export async function createApplication(root: DynamicModule, platform: Platform): Promise<Application> {
  const { logger, configuration, authority } = platform;
  const config = configuration.get(listenersConfig);
  const adapter = createAdapter(platform);
  // Nest hands out Fastify with wider generics than Fastify's own helpers take; it is the same object.
  const fastify = adapter.getInstance<FastifyInstance>();
  const routes = watchRoutes(fastify, config.bodyLimitBytes);
  guardSurfaces(fastify, config);
  acceptStrictJsonOnly(fastify);
  const nest = await NestFactory.create<NestFastifyApplication>(root, adapter, { bodyParser: false, logger: new NestLogger(logger), abortOnError: false });
  await fastify.register(helmet, { contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } }, referrerPolicy: { policy: 'no-referrer' } });
  nest.useGlobalFilters(new ProblemFilter(logger));
  nest.useGlobalPipes(new StandardSchemaValidationPipe({ exceptionFactory: (issues) => new StrongroomError('input-invalid', undefined, { faults: issues.slice(0, 50).map(toFault) }) }));
  await nest.init();
  await fastify.ready();
  nest.get(OpenApi).describe(nest);
  let listeners: Listeners | undefined;
  return {
    nest,
    routes: [...routes].sort((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`, 'en')),
    listen: async () => (listeners = await openListeners(fastify, config, authority)),
    close: async () => {
      await listeners?.close();
      await nest.close();
    },
  };
}

function createAdapter({ logger, randomness }: Platform): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: logger,
    genReqId: () => randomness.uuid(),
    // Neither a proxy's headers nor a client's request id are believed.
    trustProxy: false,
    requestIdHeader: false,
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false, caseSensitive: true },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => { sendProblem(toStrongroomError(error), request, reply, logger); },
  });
}

/** JSON, read strictly, is the only body there is; anything else is 415. */
function acceptStrictJsonOnly(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseStrictJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function toFault(issue: { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }): Fault {
  const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return { path: path.map((name) => `/${name}`).join(''), message: issue.message.slice(0, 500) };
}
