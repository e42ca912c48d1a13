import { Injectable } from '@nestjs/common';
import { PolicyEngine, type AccessInput, type Decision as PolicyDecision } from '@strongroom/policies-engine';
import { epochSeconds, type PolicyEnvelope, type ReleasePolicy, type Signed } from '@strongroom/control-plane-contract';
import { DocumentsService } from '../documents/documents.service.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { SessionsService } from '../people/sessions.service.js';
import { Clock } from '../platform/clock.js';
import { StrongroomError } from '../platform/errors.js';
import { AccessDecider, type AccessQuestion, type Decision } from '../platform/principal.js';
import { resourceOf } from './access-resource.js';

/** What only a domain knows about the thing an action is about. */
export type AccessContext = Partial<AccessInput['context']>;
export type AccessContextResolver = (question: AccessQuestion) => Promise<AccessContext>;

const EMPTY_CONTEXT: AccessInput['context'] = { requester: '', purpose: '', ticket: '', window_seconds: 0, factors: [] };

/** The policy decision point: one bundle, its digest signed by two, evaluated in process. */
@Injectable()
export class PoliciesService extends AccessDecider implements ReleasePolicy {
  readonly #resolvers = new Map<string, AccessContextResolver>();

  constructor(
    private readonly engine: PolicyEngine,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly sessions: SessionsService,
    private readonly clock: Clock,
  ) {
    super();
  }

  get policyDigest(): string {
    return this.engine.policyDigest;
  }

  /** Lets the domain that owns a thing say what policy needs to know of it. One resolver an action. */
  resolveContext(action: string, resolver: AccessContextResolver): void {
    if (this.#resolvers.has(action)) throw new StrongroomError('defect', `two resolvers for ${action}`);
    this.#resolvers.set(action, resolver);
  }

  /**
   * The signed envelope in force; it must name the bundle this process holds.
   * @throws StrongroomError `document-missing` | `policy-mismatch`
   */
  async inForce(): Promise<Signed<PolicyEnvelope>> {
    const envelope = await this.documents.required('policy', this.trust.tenant);
    if (envelope.value.policy_digest !== this.policyDigest) throw new StrongroomError('policy-mismatch', 'the policy in force is another bundle than this program holds; deploy the signed one');
    return envelope;
  }

  decideRelease(input: unknown): PolicyDecision {
    return this.engine.decideRelease(input);
  }

  requiredFactors(action: string) {
    return this.engine.requiredFactors(action);
  }

  /** Asked by the guard for each route. No policy in force: only its registration, by whom the roster lets. */
  override async decideAccess(question: AccessQuestion): Promise<Decision> {
    const now = this.clock.now();
    const subject = await this.subjectOf(question, now);
    if (subject === undefined) return unknownSubject;
    const context = await this.#resolvers.get(question.action)?.(question);
    return this.decide(question, subject, context ?? {}, now);
  }

  /** As the guard asks, but with a context of the caller's. */
  async decideOn(question: AccessQuestion, context: AccessContext): Promise<Decision> {
    const now = this.clock.now();
    const subject = await this.subjectOf(question, now);
    return subject === undefined ? unknownSubject : this.decide(question, subject, context, now);
  }

  /** @param now the moment the subject was looked up: two readings of the clock could lie on two sides of a session's end. */
  private async decide(question: AccessQuestion, subject: AccessInput['subject'], context: AccessContext, now: Date): Promise<Decision> {
    const envelope = await this.documents.inForce('policy', this.trust.tenant);
    // Without a signed policy everything is refused but the one act that brings it: two signatures decide there, not this answer.
    if (envelope?.value.policy_digest !== this.policyDigest && question.action !== 'policy.register') {
      return refused('policy.not_in_force', 'No signed policy is in force for this bundle.', 'Have the policy envelope signed by two and register it.');
    }
    const decision = this.engine.decideAccess({
      now: epochSeconds(now),
      tenant: this.trust.tenant,
      profile: this.trust.value.profile,
      subject,
      action: { name: question.action },
      resource: resourceOf(question, this.trust.tenant, subject.id),
      context: { ...EMPTY_CONTEXT, ...context },
    });
    return { allowed: decision.decision, reasons: decision.reasons };
  }

  private async subjectOf({ principal }: AccessQuestion, now: Date): Promise<AccessInput['subject'] | undefined> {
    if (principal.kind === 'node') {
      const authenticated_at = epochSeconds(now);
      // The certificate was judged with this very request; there is no longer session.
      return { type: 'node', id: principal.id, roles: ['node'], tenant: principal.tenant, session: { authenticated_at, expires_at: authenticated_at + 1, method: 'mtls' } };
    }
    if (principal.kind !== 'person') return undefined;
    const session = await this.sessions.inForce(principal);
    if (session === undefined) return undefined;
    return {
      type: 'person',
      id: principal.id,
      roles: session.person.roles,
      tenant: principal.tenant,
      session: { authenticated_at: epochSeconds(session.createdAt), expires_at: epochSeconds(session.expiresAt), method: 'signature' },
    };
  }
}

const unknownSubject = refused('subject.unknown', 'The session or certificate is not in force any more.', 'Sign in or enrol again.');

function refused(code: string, message: string, remedy: string): Decision {
  return { allowed: false, reasons: [{ code, message, remedy }] };
}
