import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { CertificateAuthority } from './authority.js';
import { StrongroomError } from './errors.js';
import type { ListenersConfig } from './platform.config.js';
import { markAgentRequest } from './surface.js';

/** Hours the agents listener's own certificate lives; it is made anew at half of that. */
const SERVER_CERTIFICATE_HOURS = 24;

export interface Listeners {
  readonly peoplePort: number;
  readonly agentsPort: number;
  close(): Promise<void>;
}

/** Opens both doors of the one application. @throws StrongroomError `port-taken`, then neither is open. */
export async function openListeners(fastify: FastifyInstance, config: ListenersConfig, authority: CertificateAuthority): Promise<Listeners> {
  await fastify.ready();
  const agents = await createAgentsServer(fastify, config, authority);
  try {
    await listen(agents.server, config.agentsPort, config.address);
    await fastify.listen({ port: config.peoplePort, host: config.address });
  } catch (cause) {
    await agents.close();
    const taken = (cause as { code?: unknown }).code === 'EADDRINUSE';
    if (!taken) throw cause;
    const port = String((cause as { port?: unknown }).port);
    throw new StrongroomError('port-taken', `port ${port} on ${config.address} is taken by another program; end it, or set STRONGROOM_PORT`, { cause });
  }
  return {
    peoplePort: (fastify.server.address() as AddressInfo).port,
    agentsPort: (agents.server.address() as AddressInfo).port,
    close: agents.close,
  };
}

/**
 * Mutual TLS 1.3 in front of the same routes. A client certificate is asked for but not demanded here: enrolment comes without
 * one, and whose certificate it is, and whether it still counts, is judged at every request by the route guard.
 */
async function createAgentsServer(fastify: FastifyInstance, config: ListenersConfig, authority: CertificateAuthority) {
  const credentials = async () => {
    const { certificatePem, privateKeyPem } = await authority.issueServerCertificate(config.agentsHosts, SERVER_CERTIFICATE_HOURS);
    return { cert: certificatePem, key: privateKeyPem, ca: authority.certificatePem };
  };
  const tls = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' as const, handshakeTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 };
  const server = createServer({ ...tls, ...(await credentials()) }, (request, response) => {
    markAgentRequest(request);
    fastify.routing(request, response);
  });
  const renew = setInterval(() => void credentials().then((fresh) => { server.setSecureContext({ ...fresh, minVersion: 'TLSv1.3' }); }), (SERVER_CERTIFICATE_HOURS / 2) * 3_600_000);
  renew.unref();
  const close = () =>
    new Promise<void>((resolve) => {
      clearInterval(renew);
      server.close(() => { resolve(); });
      server.closeAllConnections();
    });
  return { server, close };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
