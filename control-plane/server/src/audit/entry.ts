import { canonicalBytes, sha256 } from '@strongroom/attestation-encoding';
import { emptyEdge, MAX_ENTRY_BYTES, planAppend } from '@strongroom/attestation-tlog';
import { StrongroomError } from '../platform/errors.js';
import type { BuiltEvent } from './audit-event.js';

/** The last event of a chain. */
export interface ChainHead {
  readonly chainUid: string;
  /** 0 for a chain's first event. */
  readonly position: bigint;
  readonly eventId: string;
  readonly typeUid: number;
  /** SHA-256 of the entry's bytes. */
  readonly fingerprint: Uint8Array;
}

export interface SealedEntry {
  readonly eventId: string;
  readonly bytes: Uint8Array;
  readonly classUid: number;
  readonly timeMs: number;
  /** The heads of its chains, now this event. */
  readonly heads: readonly ChainHead[];
}

interface OcsfEvent {
  readonly class_uid: number;
  readonly type_uid: number;
  readonly time: number;
  readonly metadata: object;
  readonly unmapped?: object;
}

export interface Sealing {
  /** The entry's index. */
  readonly index: bigint;
  /** Name of the log. */
  readonly origin: string;
  readonly loggedAt: Date;
  /** Head of each chain so far; a chain that is absent begins here. */
  readonly heads: ReadonlyMap<string, ChainHead>;
}

/**
 * Adds what only the sequencer knows: its place in the log, and of each chain the event before it. The chain fields are those of
 * OCSF 1.9's `record_integrity`, under `unmapped` until that version is tagged; `serialization_id` 2 is RFC 8785.
 */
export function sealEntry(event: BuiltEvent, { index, origin, loggedAt, heads }: Sealing): SealedEntry {
  const value = JSON.parse(event.json) as OcsfEvent;
  const positions = Object.fromEntries(event.chains.map((chain) => [chain, Number((heads.get(chain)?.position ?? -1n) + 1n)]));
  const sealed = {
    ...value,
    metadata: { ...value.metadata, sequence: Number(index), logged_time: loggedAt.getTime() },
    unmapped: {
      ...value.unmapped,
      chain_positions: positions,
      record_integrity: { serialization_id: 2, attestation_list: event.chains.map((chain) => attestation(chain, origin, heads.get(chain))) },
    },
  };
  const bytes = canonicalBytes(sealed);
  const fingerprint = sha256(bytes);
  const { class_uid: classUid, type_uid: typeUid, time: timeMs } = value;
  const next = event.chains.map((chainUid) => ({ chainUid, position: BigInt(positions[chainUid] ?? 0), eventId: event.eventId, typeUid, fingerprint }));
  return { eventId: event.eventId, bytes, classUid, timeMs, heads: next };
}

function attestation(chain: string, origin: string, head: ChainHead | undefined): object {
  const previous = head && {
    uid: head.eventId,
    type_uid: head.typeUid,
    fingerprint: { algorithm_id: 3, value: Buffer.from(head.fingerprint).toString('hex') },
  };
  return { chain_uid: chain, authority_uid: origin, ...(previous ? { prev_event: previous } : {}) };
}

/**
 * Refuses an event that would not fit once it is sealed, by sealing it with the longest values there are: better to fail the
 * change that records it than the log.
 * @throws StrongroomError `audit-event-too-large`
 */
export function assertFits(event: BuiltEvent, origin: string): void {
  const longest = (chainUid: string): ChainHead => ({ chainUid, position: 2n ** 52n, eventId: event.eventId, typeUid: 999_999_999, fingerprint: new Uint8Array(32) });
  const heads = new Map(event.chains.map((chain) => [chain, longest(chain)]));
  const { bytes } = sealEntry(event, { index: 2n ** 53n - 1n, origin, loggedAt: new Date(8.64e15), heads });
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new StrongroomError('audit-event-too-large', `an entry has at most ${MAX_ENTRY_BYTES} bytes, this one would have ${bytes.length}; log a digest and keep the rest elsewhere`);
  }
}

/** RFC 6962 root over the heads of all chains, sorted by chain: a chain cut short or left out of an export no longer gives it. */
export function chainRoot(heads: readonly ChainHead[]): Uint8Array {
  const leaves = heads.map(({ chainUid, position, eventId, fingerprint }) =>
    canonicalBytes({ chain_uid: chainUid, position: Number(position), uid: eventId, fingerprint: Buffer.from(fingerprint).toString('hex') }),
  );
  return planAppend(emptyEdge(), leaves).rootHash;
}
