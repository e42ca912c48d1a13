import { Injectable, type OnModuleInit } from '@nestjs/common';
import { epochSeconds, httpApi, uuid } from '@strongroom/control-plane-contract';
import { AssetsService } from '../assets/assets.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { PoliciesService, type AccessContext } from '../policies/policies.service.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { AccessQuestion } from '../platform/principal.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { AccessRequestEntity } from './access-request.entity.js';

/** Tells the policy what only this domain knows of a request: who asked, for what, and what a voter may fill. */
@Injectable()
export class AccessPolicyContext implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly policies: PoliciesService,
    private readonly assets: AssetsService,
  ) {}

  onModuleInit(): void {
    this.policies.resolveContext('request.create', (question) => this.ofNew(question));
    this.policies.resolveContext('request.read', (question) => this.ofReading(question));
    this.policies.resolveContext('request.withdraw', async (question) => ({ requester: (await this.find(question)).requestedBy }));
    // A denial is a vote too, and comes by the same route: it needs what an approval needs.
    this.policies.resolveContext('request.approve', (question) => this.ofVote(question));
  }

  /** The guard asks before the body is validated for its route, so this validates it itself. */
  private async ofNew({ body, principal }: AccessQuestion): Promise<AccessContext> {
    const parsed = httpApi.createRequest.safeParse(body);
    if (!parsed.success) throw new StrongroomError('input-invalid', undefined, { faults: parsed.error.issues.slice(0, 50).map(({ path, message }) => ({ path: path.map((name) => `/${String(name)}`).join(''), message })) });
    const { asset, purpose, ticket, not_before, not_after } = parsed.data;
    const { manifest } = await this.assets.inForce(asset);
    return {
      requester: idOf(principal),
      purpose,
      ticket,
      // A window that ends before it begins is refused later with its own words; here it is none, which policy refuses.
      window_seconds: Math.max(0, epochSeconds(not_after) - epochSeconds(not_before)),
      factors: Object.keys(manifest.value.quorum.read_shard),
    };
  }

  /** One request is its requester's; a list without a name is the asker's own, and `visibleTo` sees to it that it is. */
  private async ofReading(question: AccessQuestion): Promise<AccessContext> {
    return { requester: question.resource['request'] === undefined ? idOf(question.principal) : (await this.find(question)).requestedBy };
  }

  private async ofVote(question: AccessQuestion): Promise<AccessContext> {
    const { requestedBy } = await this.find(question);
    const roster = await this.documents.required('roster', this.trust.tenant);
    const voter = roster.value.people.find(({ id }) => id === idOf(question.principal));
    return { requester: requestedBy, factors: voter?.factors ?? [] };
  }

  private async find({ resource }: AccessQuestion): Promise<AccessRequestEntity> {
    const id = uuid.safeParse(resource['request']);
    if (!id.success) throw new StrongroomError('input-invalid', undefined, { faults: [{ path: '/request', message: 'must be a lowercase UUIDv7' }] });
    const entity = await this.database.manager.findOneBy(AccessRequestEntity, { id: id.data });
    if (entity === null) throw new StrongroomError('not-found', 'no such request');
    return entity;
  }
}

function idOf(principal: AccessQuestion['principal']): string {
  return principal.kind === 'person' ? principal.id : '';
}
