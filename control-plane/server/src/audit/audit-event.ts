import { canonicalJson } from '@strongroom/attestation-encoding';
import { logStatementSchema, type LogStatement } from '@strongroom/control-plane-contract';
import { StrongroomError } from '../platform/errors.js';
import { eventKinds, type EventClass, type EventKind } from './event-kinds.js';

export const OCSF_VERSION = '1.8.0';
const PRODUCT = { name: 'Strongroom', vendor_name: 'Strongroom' };
const MAX_CHAINS = 16;
/** Name of a chain. */
export const CHAIN = /^[a-z][a-z0-9-]{0,62}(?:\/[A-Za-z0-9._:-]{1,200})?$/;
const SEVERITIES = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;

/** A person (or a person's id alone), a node, or nobody. A `Principal` is one. */
export type Actor = string | { readonly kind: 'person'; readonly id: string; readonly sessionId?: string } | { readonly kind: 'node'; readonly id: string } | { readonly kind: 'anyone' };

/** What a domain says happened. Everything else of the OCSF event is built from it. */
export interface AuditEvent {
  readonly kind: EventKind;
  /** For people; at most 1000 characters, no personal data, nothing secret. */
  readonly message: string;
  /** Histories this belongs to, the main one first: `weights/<asset>`, `node/<id>`, `request/<id>`, `policy`. */
  readonly chains: readonly string[];
  /** What verifiers read (contract). */
  readonly statement?: LogStatement;
  /** Who did it. Default: the program itself. */
  readonly actor?: Actor;
  readonly outcome?: 'success' | 'failure';
  readonly severity?: keyof typeof SEVERITIES;
  /** Further OCSF members of the class, such as `resources` or `privileges`; personal fields only as commitments. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface BuiltEvent {
  readonly eventId: string;
  /** RFC 8785, without what the sequencer adds. */
  readonly json: string;
  readonly chains: readonly string[];
}

/** @throws StrongroomError `audit-event-invalid` */
export function buildEvent(event: AuditEvent, eventId: string, now: Date): BuiltEvent {
  const kind = Object.hasOwn(eventKinds, event.kind) ? eventKinds[event.kind] : invalid(`there is no kind ${event.kind}`);
  const chains = assertChains(event.chains);
  const members = { ...defaults(event, kind.classUid), ...event.detail };
  assertMembers(members, kind, event);
  const value = {
    ...members,
    activity_id: kind.activityId,
    category_uid: kind.categoryUid,
    class_uid: kind.classUid,
    type_uid: kind.classUid * 100 + kind.activityId,
    severity_id: SEVERITIES[event.severity ?? 'informational'],
    status_id: (event.outcome ?? 'success') === 'success' ? 1 : 2,
    time: now.getTime(),
    message: event.message,
    metadata: { version: OCSF_VERSION, uid: eventId, product: PRODUCT, event_code: event.kind },
    ...(event.statement === undefined ? {} : { unmapped: { strongroom: assertStatement(event.statement) } }),
  };
  try {
    return { eventId, json: canonicalJson(value), chains };
  } catch (cause) {
    throw new StrongroomError('audit-event-invalid', 'the event has no canonical form', { cause });
  }
}

// Set by the builder or the sequencer alone.
const RESERVED = new Set(['activity_id', 'category_uid', 'class_uid', 'type_uid', 'severity_id', 'status_id', 'time', 'message', 'metadata', 'unmapped']);

/** The members OCSF requires of the class, told from the chain the event belongs to and who acted. */
function defaults(event: AuditEvent, classUid: number): Record<string, unknown> {
  const [type = '', uid = type] = (event.chains[0] ?? '').split('/', 2);
  const actor = typeof event.actor === 'string' ? { kind: 'person' as const, id: event.actor } : (event.actor ?? { kind: 'anyone' as const });
  const acted = { actor: toActor(actor) };
  const user = { uid: actor.kind === 'anyone' ? uid : actor.id };
  const source = { src_endpoint: { name: actor.kind === 'node' ? 'agents' : 'people' } };
  switch (classUid) {
    case 3004:
      return { ...acted, entity: { type, uid } };
    case 3002:
      return { ...acted, user, service: { name: 'strongroom-server' } };
    case 3003:
      return { ...acted, user, privileges: ['session'] };
    case 3005:
      return { ...acted, user };
    case 6002:
      return { app: { name: 'strongroom-server' } };
    case 6003:
      return { ...acted, ...source, api: { operation: event.kind }, resources: [{ type, uid }] };
    case 6005:
      return { ...acted, ...source, databucket: { type, uid } };
    case 2003:
      return { finding_info: { title: event.kind, uid: event.chains[0] }, compliance: { standards: ['Strongroom'] } };
    default:
      return { finding_info: { title: event.kind, uid: event.chains[0] } };
  }
}

function toActor(actor: Exclude<Actor, string>): object {
  switch (actor.kind) {
    case 'person':
      return { user: { uid: actor.id, type_id: 1 }, ...(actor.sessionId === undefined ? {} : { session: { uid: actor.sessionId } }) };
    case 'node':
      return { app_uid: actor.id, app_name: 'strongroom-agent' };
    case 'anyone':
      return { app_name: 'strongroom-server' };
  }
}

function assertChains(chains: readonly string[]): readonly string[] {
  const wellFormed = chains.length >= 1 && chains.length <= MAX_CHAINS && chains.every((chain) => CHAIN.test(chain));
  if (!wellFormed || new Set(chains).size !== chains.length) invalid(`an event belongs to 1 to ${MAX_CHAINS} distinct chains`);
  return chains;
}

function assertMembers(members: Record<string, unknown>, eventClass: EventClass, { detail, message }: AuditEvent): void {
  if (message.length === 0 || message.length > 1000) invalid('a message has 1 to 1000 characters');
  const reserved = Object.keys(detail ?? {}).filter((name) => RESERVED.has(name));
  if (reserved.length > 0) invalid(`${reserved.join(', ')} cannot be given as detail`);
  const absent = eventClass.required.filter((name) => members[name] === undefined);
  if (absent.length > 0) invalid(`OCSF class ${eventClass.classUid} requires ${absent.join(', ')}`);
  if (eventClass.oneOf?.every((name) => members[name] === undefined) === true) invalid(`OCSF class ${eventClass.classUid} requires one of ${eventClass.oneOf.join(', ')}`);
}

function assertStatement(statement: LogStatement): LogStatement {
  const parsed = logStatementSchema.safeParse(statement);
  if (!parsed.success) throw new StrongroomError('audit-event-invalid', 'the statement is not of its schema', { cause: parsed.error });
  return statement;
}

function invalid(message: string): never {
  throw new StrongroomError('audit-event-invalid', message);
}
