import { TLSSocket } from 'node:tls';
import { createParamDecorator, Inject, Injectable, Optional, type CanActivate, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CertificateAuthority } from './authority.js';
import { Clock } from './clock.js';
import { StrongroomError } from './errors.js';
import { nodeOfCertificate } from './node-certificate.js';
import { identityConfig, listenersConfig, type IdentityConfig, type ListenersConfig } from './platform.config.js';
import { AccessDecider, NodeRegistry, SessionVerifier, type Node, type Person, type Principal } from './principal.js';
import { RateLimiter } from './rate-limiter.js';
import { ROUTE_ACTION, type DeclaredAction } from './route-action.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/;

/** Who asks, how often, and whether policy lets them: in that order, for every route. */
@Injectable()
export class RouteGuard implements CanActivate, OnModuleInit {
  readonly #requests: RateLimiter;
  readonly #failures: RateLimiter;

  constructor(
    @Inject(listenersConfig.token) listeners: ListenersConfig,
    @Inject(identityConfig.token) private readonly identity: IdentityConfig,
    private readonly clock: Clock,
    private readonly authority: CertificateAuthority,
    @Optional() @Inject(SessionVerifier) private readonly sessions?: SessionVerifier,
    @Optional() @Inject(NodeRegistry) private readonly nodes?: NodeRegistry,
    @Optional() @Inject(AccessDecider) private readonly decider?: AccessDecider,
  ) {
    this.#requests = new RateLimiter(listeners.requestsPerMinute, clock);
    this.#failures = new RateLimiter(listeners.failuresPerMinute, clock);
  }

  /** Absent means closed: without somebody to ask, the program does not start. */
  onModuleInit(): void {
    const parts = { SessionVerifier: this.sessions, NodeRegistry: this.nodes, AccessDecider: this.decider };
    const missing = Object.entries(parts).flatMap(([name, part]) => (part === undefined ? [name] : []));
    if (missing.length > 0) throw new StrongroomError('provider-missing', `no module provides ${missing.join(', ')}`);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const declared = Reflect.getMetadata(ROUTE_ACTION, context.getHandler()) as DeclaredAction | undefined;
    if (declared === undefined) throw new StrongroomError('route-unknown');
    const principal = await this.#authenticate(request, declared);
    request.principal = principal;
    if (!this.#requests.take(principal.kind === 'anyone' ? `address ${request.ip}` : `${principal.kind} ${principal.id}`)) throw new StrongroomError('rate-limited');
    if (principal.kind === 'anyone') return true;
    const decision = await this.decider?.decideAccess({ principal, action: declared.action, resource: request.params as Record<string, string>, body: request.body });
    if (decision?.allowed !== true) throw new StrongroomError('access-denied', undefined, { reasons: decision?.reasons ?? [] });
    return true;
  }

  async #authenticate(request: FastifyRequest, declared: DeclaredAction): Promise<Principal> {
    if (declared.principal === 'anyone') return { kind: 'anyone' };
    if (!this.#failures.allows(request.ip)) throw new StrongroomError('rate-limited');
    const principal = declared.principal === 'node' ? await this.#node(request) : await this.#person(request);
    if (principal !== undefined) return principal;
    this.#failures.take(request.ip);
    // One answer whatever was wrong with it.
    throw new StrongroomError('authentication-failed');
  }

  async #person(request: FastifyRequest): Promise<Person | undefined> {
    const header = request.headers.authorization;
    if (header === undefined) throw new StrongroomError('authentication-required');
    const token = BEARER.exec(header)?.[1];
    return token === undefined ? undefined : this.sessions?.verifySession(token);
  }

  async #node(request: FastifyRequest): Promise<Node | undefined> {
    const socket = request.raw.socket;
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (certificate === undefined) throw new StrongroomError('authentication-required');
    const node = nodeOfCertificate(certificate, this.authority.certificate, this.clock.now(), this.identity);
    if (node === undefined) return undefined;
    return (await this.nodes?.acceptsCertificate(node.id, node.serial)) === true ? node : undefined;
  }
}

/** The signed-in person, in a route declared `principal: 'person'`. */
export const CurrentPerson = createParamDecorator((_: unknown, context: ExecutionContext): Person => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (principal?.kind !== 'person') throw new StrongroomError('defect', 'the route is not declared for a person');
  return principal;
});

/** The enrolled node, in a route declared `principal: 'node'`. */
export const CurrentNode = createParamDecorator((_: unknown, context: ExecutionContext): Node => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (principal?.kind !== 'node') throw new StrongroomError('defect', 'the route is not declared for a node');
  return principal;
});
