import { Inject, Injectable } from '@nestjs/common';
import { IsNull, MoreThan } from 'typeorm';
import { sha256, toBase64url } from '@strongroom/attestation-encoding';
import type { RosterPerson } from '@strongroom/control-plane-contract';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { Clock } from '../platform/clock.js';
import { Database, isUniqueViolation } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import { SessionVerifier, type Person } from '../platform/principal.js';
import { Randomness } from '../platform/randomness.js';
import { peopleConfig, type PeopleConfig } from './people.config.js';
import { SessionEntity } from './session.entity.js';
import { verifySignInAssertion } from './sign-in-assertion.js';

export interface SessionInForce {
  readonly id: string;
  readonly person: RosterPerson;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Sessions of people: opened by a signed assertion, short, ended by time, by hand, or by a roster without the key. */
@Injectable()
export class SessionsService extends SessionVerifier {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    @Inject(peopleConfig.token) private readonly config: PeopleConfig,
  ) {
    super();
  }

  /**
   * Opens a session. The token is given once and kept nowhere.
   * @throws StrongroomError `authentication-failed`
   */
  async signIn(assertion: string): Promise<SessionInForce & { readonly token: string }> {
    const roster = await this.documents.required('roster', this.trust.tenant);
    const now = this.clock.now();
    const { person, keyId, assertionId } = await verifySignInAssertion(assertion, roster.value, this.config.audience, now);
    const token = toBase64url(this.randomness.bytes(32));
    const session = { id: this.randomness.uuid(), createdAt: now, expiresAt: new Date(now.getTime() + this.config.sessionMinutes * 60_000) };
    try {
      await this.database.inTransaction(async (manager) => {
        await manager.insert(SessionEntity, { ...session, person: person.id, tokenDigest: Buffer.from(sha256(token)), assertionId, keyId, endedAt: null });
        await manager.query(
          `UPDATE session SET ended_at = $2 WHERE ended_at IS NULL AND person = $1 AND id NOT IN
             (SELECT id FROM session WHERE person = $1 AND ended_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $3)`,
          [person.id, now, this.config.sessionsPerPerson],
        );
        await this.audit.record(manager, { kind: 'sign-in', message: 'a person signed in', actor: { kind: 'person', id: person.id, sessionId: session.id }, chains: [`person/${person.id}`] });
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new StrongroomError('authentication-failed', undefined, { cause: error });
      throw error;
    }
    return { ...session, person, token };
  }

  /** Ends a session at once. Ending an ended one is no error. */
  async signOut(person: Person): Promise<void> {
    await this.database.inTransaction(async (manager) => {
      const { affected } = await manager.update(SessionEntity, { id: person.sessionId, endedAt: IsNull() }, { endedAt: this.clock.now() });
      if (affected === 1) await this.audit.record(manager, { kind: 'sign-out', message: 'a person signed out', actor: person, chains: [`person/${person.id}`] });
    });
  }

  override async verifySession(token: string): Promise<Person | undefined> {
    if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined;
    const row = await this.database.manager.findOneBy(SessionEntity, { tokenDigest: Buffer.from(sha256(token)), endedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) });
    const session = row === null ? undefined : await this.resolve(row);
    return session === undefined ? undefined : { kind: 'person', id: session.person.id, tenant: this.trust.tenant, sessionId: session.id };
  }

  /** The session behind a person, with the roster's roles of now. */
  async inForce(person: Person): Promise<SessionInForce | undefined> {
    const row = await this.database.manager.findOneBy(SessionEntity, { id: person.sessionId, person: person.id, endedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) });
    return row === null ? undefined : this.resolve(row);
  }

  private async resolve(row: SessionEntity): Promise<SessionInForce | undefined> {
    const roster = await this.documents.inForce('roster', this.trust.tenant);
    const person = roster?.value.people.find((candidate) => candidate.id === row.person);
    // A key taken out of the roster takes its sessions with it.
    if (person === undefined || !person.sign_in_keys.some((key) => key.keyid === row.keyId)) return undefined;
    return { id: row.id, person, createdAt: row.createdAt, expiresAt: row.expiresAt };
  }
}
