import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';
import { assertCurrent, ContractError, type Signed } from '@strongroom/control-plane-contract';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../platform/clock.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { DocumentEntity } from './document.entity.js';
import { documentKinds, type DocumentKind, type DocumentKinds } from './document-kind.js';
import { TrustAnchors } from '../platform/trust-anchors.js';

export interface RegisteredDocument<K extends DocumentKind> {
  readonly kind: K;
  readonly subject: string;
  readonly signed: Signed<DocumentKinds[K]>;
  readonly version: number;
  readonly eventId: string;
}

// Serialises registrations of one document, so that two versions cannot pass each other.
const REGISTRATION_LOCK = 7_104_311;
// An envelope may be a megabyte.
const MAX_VERIFIED = 64;

/** Keeps the signed documents in force. Who signed decides; who sends them does not. */
@Injectable()
export class DocumentsService {
  /**
   * By kind and digest: signatures over given bytes hold for as long as the anchors do, so they are verified once; dates are looked at each
   * time. A row that claims a digest it does not have gets the genuine document of that digest, never its own content.
   */
  readonly #verified = new Map<string, Signed<DocumentKinds[DocumentKind]>>();

  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly trust: TrustAnchors,
  ) {}

  /**
   * Verifies a document and puts it in force, if it is newer than the one in force.
   * The same document again answers the same: registering is idempotent.
   * @throws StrongroomError `statement-refused` (its reason tells which check), `conflict` for an older version
   */
  async register<K extends DocumentKind>(kind: K, envelope: unknown, within?: (manager: EntityManager, signed: Signed<DocumentKinds[K]>) => Promise<void>): Promise<RegisteredDocument<K>> {
    const rules = documentKinds[kind];
    const signed = refuseContractError(() => rules.verify(envelope, this.trust.value, this.clock.now()));
    const subject = rules.subject(signed.value);
    const { version } = signed.value;
    return this.database.inTransaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [REGISTRATION_LOCK, `${kind}/${subject}`]);
      const latest = await this.latest(manager, kind, subject);
      if (latest !== undefined && latest.digest === signed.digest) return { kind, subject, signed, version, eventId: latest.eventId };
      if (latest !== undefined && latest.version >= version) {
        throw new StrongroomError('conflict', `version ${latest.version} is in force already; sign a higher one`);
      }
      await within?.(manager, signed);
      const { eventId } = await this.audit.record(manager, {
        kind: rules.event,
        message: `${kind} ${subject} version ${version} is in force`,
        chains: [rules.chain(subject)],
        statement: { type: 'strongroom/log/document/v1', kind, digest: signed.digest, version, subject },
      });
      await manager.insert(DocumentEntity, { kind, subject, version, digest: signed.digest, envelope: signed.envelope, registeredAt: this.clock.now(), eventId });
      return { kind, subject, signed, version, eventId };
    });
  }

  /**
   * The newest version, verified again now: a document that has expired since is not in force.
   * @returns undefined where there is none in force
   */
  async inForce<K extends DocumentKind>(kind: K, subject: string, manager: EntityManager = this.database.manager): Promise<Signed<DocumentKinds[K]> | undefined> {
    const digest = await this.latestDigest(manager, kind, subject);
    if (digest === undefined) return undefined;
    try {
      const known = this.#verified.get(`${kind} ${digest}`) as Signed<DocumentKinds[K]> | undefined;
      if (known === undefined) return await this.verifyLatest(manager, kind, subject);
      assertCurrent(this.trust.value, this.trust.tenant, this.clock.now());
      assertCurrent(known.value, this.trust.tenant, this.clock.now());
      return known;
    } catch (error) {
      if (error instanceof ContractError) return undefined;
      throw error;
    }
  }

  private async verifyLatest<K extends DocumentKind>(manager: EntityManager, kind: K, subject: string): Promise<Signed<DocumentKinds[K]> | undefined> {
    const latest = await this.latest(manager, kind, subject);
    if (latest === undefined) return undefined;
    const signed = documentKinds[kind].verify(latest.envelope, this.trust.value, this.clock.now());
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= MAX_VERIFIED && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(`${kind} ${signed.digest}`, signed);
    return signed;
  }

  /** As `inForce`, for callers that cannot go on without. @throws StrongroomError `document-missing` */
  async required<K extends DocumentKind>(kind: K, subject: string, manager?: EntityManager): Promise<Signed<DocumentKinds[K]>> {
    const signed = await this.inForce(kind, subject, manager);
    if (signed === undefined) throw new StrongroomError('document-missing', `no ${kind} is in force for ${subject}; have one signed and registered`);
    return signed;
  }

  /** Newest envelope of each subject of a kind, whether still current or not. */
  async newest(kind: DocumentKind): Promise<readonly DsseEnvelope[]> {
    const rows: { envelope: DsseEnvelope }[] = await this.database.manager.query(
      'SELECT DISTINCT ON (subject) envelope FROM document WHERE kind = $1 ORDER BY subject, version DESC',
      [kind],
    );
    return rows.map((row) => row.envelope);
  }

  private async latestDigest(manager: EntityManager, kind: DocumentKind, subject: string): Promise<string | undefined> {
    const rows: { digest: string }[] = await manager.query('SELECT digest FROM document WHERE kind = $1 AND subject = $2 ORDER BY version DESC LIMIT 1', [kind, subject]);
    return rows[0]?.digest;
  }

  private async latest(manager: EntityManager, kind: DocumentKind, subject: string): Promise<DocumentEntity | undefined> {
    return (await manager.findOne(DocumentEntity, { where: { kind, subject }, order: { version: 'DESC' } })) ?? undefined;
  }
}
