import type { X509Certificate } from 'node:crypto';
import { digestOf } from '@strongroom/attestation-encoding';
import type { Node } from './principal.js';
import type { IdentityConfig } from './platform.config.js';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SPIFFE = /^URI:spiffe:\/\/([a-z0-9.-]+)\/([a-z0-9._-]+)\/node\/([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;

export function spiffeId(identity: IdentityConfig, nodeId: string): string {
  return `spiffe://${identity.domain}/${identity.tenant}/node/${nodeId}`;
}

/**
 * The node a connection's certificate names: signed by the pinned CA itself, in force at `now`, for client authentication,
 * naming exactly one SPIFFE id of our domain and tenant. Whether it was revoked is the node registry's to say.
 * (The chain is checked with node:crypto against the one pinned CA: chain builders were seen to return short chains.)
 */
export function nodeOfCertificate(certificate: X509Certificate, authority: X509Certificate, now: Date, identity: IdentityConfig): Node | undefined {
  const signed = certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  const inForce = Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() < Date.parse(certificate.validTo);
  // A certificate without the extension is good for everything, which is more than we ever issue. Types lag: keyUsage is the extended one.
  const forClients = certificate.keyUsage?.includes(CLIENT_AUTH) === true;
  if (!signed || !inForce || certificate.ca || !forClients) return undefined;
  const [, domain, tenant, id] = SPIFFE.exec(certificate.subjectAltName ?? '') ?? [];
  if (domain !== identity.domain || tenant !== identity.tenant || id === undefined) return undefined;
  const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
  return { kind: 'node', id, tenant, serial: certificate.serialNumber.toLowerCase(), keyDigest: digestOf(new Uint8Array(spki)) };
}
