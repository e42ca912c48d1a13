import { parseCanonicalJson, sha256 } from '@strongroom/attestation-encoding';
import { logStatementSchema, MAX_ENTRY_BYTES, type LogStatement } from '@strongroom/control-plane-contract';

/** The event before, as an entry names it. */
export interface PreviousEvent {
  readonly uid: string;
  readonly typeUid: number;
  readonly fingerprint: string;
}

export interface ChainLink {
  readonly chain: string;
  readonly position: number;
  /** Absent at the beginning of a chain. */
  readonly previous?: PreviousEvent;
}

/** What an auditor reads of an entry. */
export interface LoggedEvent {
  readonly index: bigint;
  readonly uid: string;
  readonly code: string;
  readonly typeUid: number;
  readonly sequence: number;
  /** Milliseconds since the epoch, by the log's clock. */
  readonly loggedTime: number;
  readonly links: readonly ChainLink[];
  /** SHA-256 of the entry's bytes, hex. */
  readonly fingerprint: string;
  readonly statement?: LogStatement;
  /** Of a heartbeat: what it commits to. */
  readonly chainHeads?: { readonly root: string; readonly chains: number };
}

type Members = Readonly<Record<string, unknown>>;

const CHAIN = /^[a-z][a-z0-9-]{0,62}(?:\/[A-Za-z0-9._:-]{1,200})?$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;

/**
 * Reads an entry. Shape only: nothing is proven of its place, its chains or its statement.
 * @throws RangeError telling what is wrong
 */
export function parseLoggedEvent(index: bigint, bytes: Uint8Array, origin: string): LoggedEvent {
  const event = members(parsed(bytes), 'the entry');
  const metadata = members(event['metadata'], 'metadata');
  const unmapped = members(event['unmapped'], 'unmapped');
  const code = text(metadata['event_code'], 'event_code');
  return {
    index,
    uid: text(metadata['uid'], 'uid'),
    code,
    typeUid: integer(event['type_uid'], 'type_uid'),
    sequence: integer(metadata['sequence'], 'sequence'),
    loggedTime: integer(metadata['logged_time'], 'logged_time'),
    links: linksOf(unmapped, origin),
    fingerprint: Buffer.from(sha256(bytes)).toString('hex'),
    ...(unmapped['strongroom'] === undefined ? {} : { statement: statementOf(unmapped['strongroom']) }),
    ...(code === 'heartbeat' ? { chainHeads: chainHeadsOf(event['enrichments']) } : {}),
  };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseCanonicalJson(bytes, MAX_ENTRY_BYTES);
  } catch (cause) {
    throw new RangeError('the entry is not canonical JSON', { cause });
  }
}

function statementOf(value: unknown): LogStatement {
  const statement = logStatementSchema.safeParse(value);
  if (!statement.success) throw new RangeError('the entry carries a statement of no known type', { cause: statement.error });
  return statement.data;
}

function linksOf(unmapped: Members, origin: string): ChainLink[] {
  const positions = members(unmapped['chain_positions'], 'chain_positions');
  const integrity = members(unmapped['record_integrity'], 'record_integrity');
  const attestations = integrity['attestation_list'];
  if (integrity['serialization_id'] !== 2 || !Array.isArray(attestations) || attestations.length === 0) throw new RangeError('record_integrity is malformed');
  const links = attestations.map((value: unknown) => linkOf(members(value, 'attestation'), positions, origin));
  const chains = new Set(links.map(({ chain }) => chain));
  if (chains.size !== links.length || chains.size !== Object.keys(positions).length) throw new RangeError('chains and positions do not match');
  return links;
}

function linkOf(attestation: Members, positions: Members, origin: string): ChainLink {
  const chain = text(attestation['chain_uid'], 'chain_uid');
  if (!CHAIN.test(chain) || !Object.hasOwn(positions, chain)) throw new RangeError('a chain is malformed, or has no position');
  if (attestation['authority_uid'] !== origin) throw new RangeError('a chain of another log');
  const position = integer(positions[chain], 'position');
  if (attestation['prev_event'] === undefined) return { chain, position };
  const previous = members(attestation['prev_event'], 'prev_event');
  const fingerprint = members(previous['fingerprint'], 'fingerprint');
  const value = text(fingerprint['value'], 'fingerprint');
  if (fingerprint['algorithm_id'] !== 3 || !FINGERPRINT.test(value)) throw new RangeError('fingerprint is not SHA-256');
  return { chain, position, previous: { uid: text(previous['uid'], 'prev_event'), typeUid: integer(previous['type_uid'], 'prev_event'), fingerprint: value } };
}

function chainHeadsOf(enrichments: unknown): { root: string; chains: number } {
  const first: unknown = Array.isArray(enrichments) && enrichments.length === 1 ? enrichments[0] : undefined;
  const { name, data } = members(first, 'the heartbeat') as { name?: unknown; data?: unknown };
  const { root, chains } = members(data, 'the heartbeat');
  if (name !== 'chain_heads') throw new RangeError('the heartbeat commits to no chain heads');
  return { root: text(root, 'the heartbeat'), chains: integer(chains, 'the heartbeat') };
}

function members(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError(`${what} is malformed`);
  return value as Members;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new RangeError(`${what} is malformed`);
  return value;
}

function integer(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} is malformed`);
  return value;
}
