import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { StrongroomError } from './errors.js';
import type { ListenersConfig } from './platform.config.js';
import type { Surface } from './route-action.js';

/** Requests that came in over the agents' listener. Marked where they enter, so that no header can claim it. */
const agentRequests = new WeakSet<IncomingMessage>();

export function markAgentRequest(request: IncomingMessage): void {
  agentRequests.add(request);
}

/** Which surface a request came in by, or undefined for a host name that is none of ours. */
export function surfaceOf(request: FastifyRequest, config: ListenersConfig): Surface | undefined {
  if (agentRequests.has(request.raw)) return 'agents';
  const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  if (config.approvalHosts.includes(host)) return 'approval';
  return config.peopleHosts.includes(host) ? 'people' : undefined;
}

/** Answers 404 to a route asked for where it does not live, before its body is read. */
export function guardSurfaces(fastify: FastifyInstance, config: ListenersConfig): void {
  fastify.addHook('onRequest', async (request) => {
    const declared = request.routeOptions.config.strongroomAction;
    const surface = surfaceOf(request, config);
    if (surface === undefined || !declared?.surfaces.includes(surface)) throw new StrongroomError('route-unknown');
  });
}
