import { requestDigest, toInstant, type AccessRequest, type Approval } from '@strongroom/control-plane-contract';
import { approvalOf, type SignedWorld } from '@strongroom/tests-fixtures';
import { ask, type Answer, type Ask } from './http-client.js';
import { idOf, serverRoster, signInAssertion, type PersonName } from './server-world.js';
import { TestNode, type Listener } from './test-node.js';

/** The people of a world, who use a server's routes as clients do. Where the server runs is for subclasses to say. */
export abstract class People {
  readonly #tokens = new Map<PersonName, string>();

  abstract readonly world: SignedWorld;
  protected abstract readonly peoplePort: number;
  protected abstract readonly agents: Listener;

  /** As nobody in particular, on the people's surface unless a host is named. */
  ask(question: Ask): Promise<Answer> {
    return ask({ host: 'localhost', ...question }, this.peoplePort);
  }

  /** As a person: signed in at the first question, and again once `signOut` forgot the token. */
  async as(name: PersonName, question: Omit<Ask, 'token'>): Promise<Answer> {
    return this.ask({ ...question, token: await this.token(name) });
  }

  async token(name: PersonName): Promise<string> {
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const { status, json, text } = await this.signIn(name);
    if (status !== 201) throw new Error(`${name} cannot sign in: ${text}`);
    const { token } = json as { token: string };
    this.#tokens.set(name, token);
    return token;
  }

  signIn(name: PersonName, knobs: Parameters<typeof signInAssertion>[2] = {}): Promise<Answer> {
    return this.ask({ path: '/v1/sessions', body: { assertion: signInAssertion(this.world, name, knobs) } });
  }

  forgetSessions(): void {
    this.#tokens.clear();
  }

  node(options: Parameters<typeof TestNode.create>[2] = {}): Promise<TestNode> {
    return TestNode.create(this.world, this.agents, options);
  }

  /** Roster, policy, enclave, registration and asset in force. @returns the enrolled node */
  async prepare(): Promise<TestNode> {
    const { world } = this;
    await ok(this.ask({ path: '/v1/rosters', body: { envelope: serverRoster(world) } }));
    await ok(this.as('policySigner', { path: '/v1/policies', body: { envelope: world.signPolicy() } }));
    await ok(this.as('platform', { path: '/v1/enclaves', body: { envelope: world.signEnclave() } }));
    await ok(this.as('platform', { path: '/v1/nodes', body: { envelope: world.signRegistration() } }));
    await ok(this.as('custodian', { path: '/v1/assets', body: { manifest: world.signManifest(), wrapped_keys: world.wrappedKeys } }));
    const node = await this.node();
    await ok(node.enrol());
    return node;
  }

  /** What a requester asks for; good but for `change`. */
  wish(change: Record<string, unknown> = {}): Record<string, unknown> {
    const at = (seconds: number): string => toInstant(new Date(this.world.now().getTime() + seconds * 1000));
    const { manifest, registration } = this.world.documents;
    return { asset: manifest.asset.id, action: 'read_shard', shards: [0, 1], node: registration.node, purpose: 'inference', ticket: 'SR-1042', not_before: at(-60), not_after: at(3600), approve_by: at(3000), max_uses: 5, ...change };
  }

  async createRequest(change: Record<string, unknown> = {}): Promise<AccessRequest> {
    return ((await ok(this.as('requester', { path: '/v1/requests', body: this.wish(change) }))).json as { request: AccessRequest }).request;
  }

  vote(name: 'owner' | 'security' | 'requester', request: AccessRequest, change: Parameters<typeof approvalOf>[3] = (statement) => statement): Approval {
    return approvalOf(this.world, this.world.people[name], request, change);
  }

  /** Sends a vote where alone it is taken: the approval host. */
  async sendVote(name: 'owner' | 'security' | 'requester', request: AccessRequest, vote: unknown = this.vote(name, request)): Promise<Answer> {
    return this.as(name, { path: `/v1/requests/${request.id}/approvals`, host: 'approve.localhost', body: vote });
  }

  /** A request with both approvals. */
  async approvedRequest(change: Record<string, unknown> = {}): Promise<AccessRequest> {
    const request = await this.createRequest(change);
    for (const name of ['owner', 'security'] as const) await ok(this.sendVote(name, request));
    return request;
  }

  personId(name: PersonName): string {
    return idOf(this.world, name);
  }

  digestOf(request: AccessRequest): string {
    return requestDigest(request);
  }
}

/** The answer, when it is a success. */
export async function ok(pending: Promise<Answer>): Promise<Answer> {
  const answer = await pending;
  if (answer.status < 200 || answer.status > 299) throw new Error(`status ${String(answer.status)}: ${answer.text}`);
  return answer;
}
