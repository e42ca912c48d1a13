import { toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey, type AccessRequest } from '@strongroom/control-plane-contract';
import type { Answer, Ask } from './http-client.js';
import type { ServerUnderTest } from './server-under-test.js';
import { serverRoster, signInAssertion, type PersonName } from './server-world.js';
import type { TestNode } from './test-node.js';

/** How each route is asked well, by somebody who may: a test changes one thing. */
export interface RouteSample {
  /** As the route list names it. */
  readonly route: string;
  readonly by: PersonName | 'node' | 'anyone' | 'anyone on the agents listener';
  readonly host?: string;
  readonly body?: unknown;
  /** In place of the path's parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface SampleWorld {
  readonly server: ServerUnderTest;
  readonly node: TestNode;
  readonly request: AccessRequest;
  /** Of a release that was made. */
  readonly releaseId: string;
}

const NOBODY = '01920000-0000-7000-8000-000000000000';

/** One sample a route. A route without one fails the tests that use them. */
export async function routeSamples({ server, node, request, releaseId }: SampleWorld): Promise<readonly RouteSample[]> {
  const { world } = server;
  const reason = { reason: 'a reason' };
  const { publicKey: transport_key, digest } = await generateTransportKey();
  const nonce = toBase64url(world.seed.bytes('a nonce nobody gave'));
  const lease_nonce = toBase64url(world.seed.bytes('a lease nonce'));
  const evidence = node.evidence('release', nonce, digest);
  const release = { release_id: world.seed.uuid('a release to be'), request_id: request.id, nonce, transport_key, evidence, lease_nonce };
  const ofRequest = { parameters: { request: request.id } };
  const ofAsset = { parameters: { asset: request.asset } };
  const ofNode = { parameters: { node: node.id } };
  const ofRelease = { parameters: { release: releaseId } };
  return [
    { route: 'GET /healthz', by: 'anyone' },
    { route: 'GET /openapi.json', by: 'anyone' },
    { route: 'GET /log/checkpoint', by: 'anyone' },
    { route: 'GET /log/tile/*', by: 'anyone', parameters: { '*': '0/000' } },
    { route: 'GET /v1/documents', by: 'anyone' },
    { route: 'POST /v1/rosters', by: 'anyone', body: { envelope: serverRoster(world) } },
    { route: 'POST /v1/policies', by: 'policySigner', body: { envelope: world.signPolicy() } },
    { route: 'POST /v1/enclaves', by: 'platform', body: { envelope: world.signEnclave() } },
    { route: 'POST /v1/sessions', by: 'anyone', body: { assertion: signInAssertion(world, 'auditor') } },
    { route: 'GET /v1/sessions/current', by: 'auditor' },
    { route: 'DELETE /v1/sessions/current', by: 'auditor' },
    { route: 'GET /v1/nodes', by: 'platform' },
    { route: 'POST /v1/nodes', by: 'platform', body: { envelope: world.signRegistration() } },
    { route: 'GET /v1/nodes/:node', by: 'platform', ...ofNode },
    { route: 'POST /v1/nodes/:node/suspension', by: 'security', body: reason, ...ofNode },
    { route: 'POST /v1/enrolments', by: 'anyone on the agents listener', body: { node: node.id, endorsement: node.machine.endorsement, csr: toBase64url(node.csr) } },
    { route: 'POST /v1/enrolments/:enrolment/activation', by: 'anyone on the agents listener', body: { response: nonce }, parameters: { enrolment: NOBODY } },
    { route: 'POST /v1/node/challenges', by: 'node', body: { purpose: 'release' } },
    { route: 'POST /v1/node/attestations', by: 'node', body: { nonce, transport_key, evidence } },
    { route: 'GET /v1/node/requests', by: 'node' },
    { route: 'POST /v1/node/releases', by: 'node', body: release },
    { route: 'POST /v1/node/releases/:release/renewals', by: 'node', body: { nonce, evidence, lease_nonce }, ...ofRelease },
    { route: 'POST /v1/node/releases/:release/wipe', by: 'node', body: { reason: 'lapsed', wiped_at: request.not_before }, ...ofRelease },
    { route: 'GET /v1/assets', by: 'auditor' },
    { route: 'POST /v1/assets', by: 'custodian', body: { manifest: world.signManifest(), wrapped_keys: world.wrappedKeys } },
    { route: 'GET /v1/assets/:asset', by: 'auditor', ...ofAsset },
    { route: 'GET /v1/assets/:asset/budget', by: 'auditor', ...ofAsset },
    { route: 'POST /v1/assets/:asset/revocation', by: 'security', body: reason, ...ofAsset },
    { route: 'GET /v1/requests', by: 'auditor' },
    { route: 'POST /v1/requests', by: 'requester', body: server.wish() },
    { route: 'GET /v1/requests/:request', by: 'auditor', ...ofRequest },
    { route: 'DELETE /v1/requests/:request', by: 'requester', ...ofRequest },
    { route: 'POST /v1/requests/:request/approvals', by: 'owner', host: 'approve.localhost', body: server.vote('owner', request), ...ofRequest },
    { route: 'POST /v1/requests/:request/revocation', by: 'security', body: reason, ...ofRequest },
    { route: 'GET /v1/requests/:request/releases', by: 'auditor', ...ofRequest },
    { route: 'GET /v1/audit/entries', by: 'auditor' },
    { route: 'GET /v1/audit/export', by: 'auditor' },
  ];
}

export function pathOf({ route, parameters = {} }: RouteSample, changed: Readonly<Record<string, string>> = {}): string {
  const path = route.split(' ')[1] ?? '';
  return Object.entries({ ...parameters, ...changed }).reduce((text, [name, value]) => text.replace(name === '*' ? '*' : `:${name}`, value), path);
}

/** Asks a route as the sample says, with something of it changed. */
export async function askSample({ server, node }: Pick<SampleWorld, 'server' | 'node'>, sample: RouteSample, change: Partial<Ask> = {}): Promise<Answer> {
  const method = sample.route.split(' ')[0] ?? '';
  const question: Ask = { method, path: pathOf(sample), ...(sample.host === undefined ? {} : { host: sample.host }), ...(sample.body === undefined ? {} : { body: sample.body }), ...change };
  if (sample.by === 'node') return node.ask(question);
  if (sample.by === 'anyone on the agents listener') return node.ask(question, '');
  return sample.by === 'anyone' ? server.ask(question) : server.as(sample.by, question);
}
