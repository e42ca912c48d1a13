import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { toBase64url } from '@strongroom/attestation-encoding';
import { httpApi } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { Database } from '../platform/database.js';
import type { Person } from '../platform/principal.js';
import { RouteAction } from '../platform/route-action.js';
import { CurrentPerson } from '../platform/route.guard.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { CHAIN } from './audit-event.js';
import { AuditService } from './audit.service.js';
import { LogReader, type EntryFilter, type ListedEntry } from './log-reader.js';

const index = z.string().regex(/^(?:0|[1-9]\d{0,15})$/, 'must be a log index');
const chain = z.string().regex(CHAIN, 'must be the name of a chain');

const entriesQuery = z.strictObject({
  /** Cursor: entries after this index. */
  after: index.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  chain: chain.optional(),
  class_uid: z.coerce.number().int().min(0).max(99_999).optional(),
});
const entriesPage = z.strictObject({ items: z.array(httpApi.auditEntryView), next: z.string().nullable() }).meta({ id: 'AuditEntries' });

const exportQuery = z.strictObject({ chain: chain.optional(), from: index.optional(), to: index.optional() });
const exportedLog = z
  .strictObject({
    origin: z.string(),
    log_vkey: z.string(),
    witness_vkeys: z.array(z.string()),
    genesis_digest: z.string(),
    checkpoint: z.string(),
    query: exportQuery,
    /** Each with its bytes (base64url) and its `.tlog-proof`. */
    entries: z.array(z.strictObject({ index: z.string(), entry: z.string(), proof: z.string() })),
    /** Where to go on when there is more; null when this is all. */
    next: z.string().nullable(),
  })
  .meta({ id: 'AuditExport' });

const EXPORT_PAGE = 500;

@ApiTags('audit')
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly reader: LogReader,
    private readonly audit: AuditService,
    private readonly database: Database,
    private readonly trust: TrustAnchors,
  ) {}

  @Get('entries')
  @RouteAction({ action: 'audit.read', principal: 'person' })
  @ApiOkResponse({ standardSchema: entriesPage })
  async entries(@Query({ schema: entriesQuery }) query: z.infer<typeof entriesQuery>, @CurrentPerson() person: Person): Promise<z.infer<typeof entriesPage>> {
    await this.#recordReading(person, 'entries', query);
    const entries = await this.reader.list({ after: toIndex(query.after), chain: query.chain, classUid: query.class_uid, limit: query.limit });
    return { items: entries.map(toView), next: nextOf(entries, query.limit) };
  }

  /** What an offline verifier needs for this selection: entries, a proof of each, keys and the checkpoint they hang from. */
  @Get('export')
  @RouteAction({ action: 'audit.export', principal: 'person' })
  @ApiOkResponse({ standardSchema: exportedLog })
  async export(@Query({ schema: exportQuery }) query: z.infer<typeof exportQuery>, @CurrentPerson() person: Person): Promise<z.infer<typeof exportedLog>> {
    await this.#recordReading(person, 'export', query);
    const { size, checkpoint } = await this.reader.published();
    const from = toIndex(query.from) ?? 0n;
    const to = toIndex(query.to) ?? size;
    const filter: EntryFilter = { after: from - 1n, before: to < size ? to : size, chain: query.chain, limit: EXPORT_PAGE };
    const entries = await this.reader.list(filter);
    const { log, witnesses } = this.trust.value;
    return {
      origin: log.origin,
      log_vkey: log.vkey,
      witness_vkeys: [...witnesses.vkeys],
      genesis_digest: this.trust.genesis.digest,
      checkpoint: Buffer.from(checkpoint).toString('utf8'),
      query,
      entries: await Promise.all(entries.map(async (listed) => ({ index: String(listed.index), entry: toBase64url(listed.entry), proof: await this.reader.inclusionProof(listed.index, { size, checkpoint }) }))),
      next: nextOf(entries, EXPORT_PAGE),
    };
  }

  /** Who read what is history too. */
  async #recordReading(person: Person, what: 'entries' | 'export', query: object): Promise<void> {
    await this.database.inTransaction((manager) =>
      this.audit.record(manager, {
        kind: 'audit-read',
        message: what === 'entries' ? 'audit entries were read' : 'audit entries were exported',
        chains: ['audit', `person/${person.id}`],
        actor: person,
        detail: { api: { operation: `audit.${what}`, request: { uid: what, data: query } } },
      }),
    );
  }
}

function toIndex(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : BigInt(text);
}

function nextOf(entries: readonly ListedEntry[], limit: number): string | null {
  const last = entries.at(-1);
  return last !== undefined && entries.length === limit ? String(last.index) : null;
}

function toView({ index: at, leafHash, entry }: ListedEntry): z.infer<typeof httpApi.auditEntryView> {
  return {
    index: String(at),
    leaf_hash: `sha256:${Buffer.from(leafHash).toString('hex')}`,
    event: JSON.parse(Buffer.from(entry).toString('utf8')) as Record<string, unknown>,
  };
}
