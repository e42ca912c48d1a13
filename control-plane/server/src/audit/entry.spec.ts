import { describe, expect, it } from '@jest/globals';
import { digestOf, parseCanonicalJson } from '@strongroom/attestation-encoding';
import { StrongroomError } from '../platform/errors.js';
import { buildEvent, type AuditEvent } from './audit-event.js';
import { assertFits, chainRoot, sealEntry, type ChainHead } from './entry.js';
import { eventKinds, type EventKind } from './event-kinds.js';

const now = new Date('2031-05-01T10:00:00.123Z');
const ID = '01920000-0000-7000-8000-000000000001';
const base: AuditEvent = { kind: 'node-change', message: 'm', chains: ['node/a'] };
const seal = (event: AuditEvent, heads: ReadonlyMap<string, ChainHead> = new Map()) => sealEntry(buildEvent(event, ID, now), { index: 7n, origin: 'audit.test/dev/2031', loggedAt: now, heads });
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StrongroomError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('buildEvent', () => {
  it.each(Object.keys(eventKinds) as EventKind[])('builds %s with every member OCSF 1.8 requires', (kind) => {
    const event = JSON.parse(buildEvent({ ...base, kind }, ID, now).json) as Record<string, unknown>;
    const { classUid, activityId, categoryUid, required } = eventKinds[kind];
    expect(event).toMatchObject({ class_uid: classUid, activity_id: activityId, category_uid: categoryUid, type_uid: classUid * 100 + activityId, severity_id: 1, time: now.getTime(), metadata: { version: '1.8.0', uid: ID, product: { name: 'Strongroom' } } });
    expect(Math.floor(classUid / 1000)).toBe(categoryUid);
    for (const name of required) expect(event).toHaveProperty(name);
  });

  it('tells who acted', () => {
    const actorOf = (actor: AuditEvent['actor']) => (JSON.parse(buildEvent({ ...base, ...(actor === undefined ? {} : { actor }) }, ID, now).json) as { actor: unknown }).actor;
    expect(actorOf(undefined)).toEqual({ app_name: 'strongroom-server' });
    expect(actorOf('p1')).toEqual({ user: { uid: 'p1', type_id: 1 } });
    expect(actorOf({ kind: 'person', id: 'p1', sessionId: 's1' })).toEqual({ user: { uid: 'p1', type_id: 1 }, session: { uid: 's1' } });
    expect(actorOf({ kind: 'node', id: 'n1' })).toEqual({ app_uid: 'n1', app_name: 'strongroom-agent' });
  });

  it.each([
    ['no kind we know', { ...base, kind: 'toString' }],
    ['no chain', { ...base, chains: [] }],
    ['a chain twice', { ...base, chains: ['node/a', 'node/a'] }],
    ['a malformed chain', { ...base, chains: ['Node A'] }],
    ['17 chains', { ...base, chains: Array.from({ length: 17 }, (_, n) => `node/${n}`) }],
    ['no message', { ...base, message: '' }],
    ['a long message', { ...base, message: 'x'.repeat(1001) }],
    ['detail that would forge the time', { ...base, detail: { time: 0 } }],
    ['detail that would forge metadata', { ...base, detail: { metadata: {} } }],
    ['detail that removes what is required', { ...base, detail: { entity: undefined } }],
    ['detail without a canonical form', { ...base, detail: { comment: Number.NaN } }],
    ['an odd statement', { ...base, statement: { type: 'strongroom/log/document/v1' } }],
  ])('refuses %s', (_name, event) => {
    expect(codeOf(() => buildEvent(event as AuditEvent, ID, now))).toBe('audit-event-invalid');
  });
});

describe('sealEntry', () => {
  it('gives canonical bytes with place and chain', () => {
    const first = seal(base);
    const second = seal(base, new Map(first.heads.map((head) => [head.chainUid, head])));
    expect(parseCanonicalJson(second.bytes, 65_535)).toMatchObject({
      metadata: { sequence: 7, logged_time: now.getTime() },
      unmapped: {
        chain_positions: { 'node/a': 1 },
        record_integrity: {
          serialization_id: 2,
          attestation_list: [{ chain_uid: 'node/a', authority_uid: 'audit.test/dev/2031', prev_event: { uid: ID, type_uid: 300403, fingerprint: { algorithm_id: 3, value: digestOf(first.bytes).slice(7) } } }],
        },
      },
    });
    expect(JSON.stringify(parseCanonicalJson(first.bytes, 65_535))).not.toContain('prev_event');
  });
});

describe('assertFits', () => {
  it('refuses what would not fit when sealed, and what it accepts fits in the worst case', () => {
    const chains = Array.from({ length: 16 }, (_, n) => `weights/${String(n).padEnd(190, 'x')}`);
    const sized = (length: number): AuditEvent => ({ ...base, chains, detail: { comment: 'x'.repeat(length) } });
    let [low, high] = [0, 65_535];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (codeOf(() => { assertFits(buildEvent(sized(middle), ID, now), 'audit.test/dev/2031'); }) === 'accepted') low = middle;
      else high = middle;
    }
    const heads = new Map(chains.map((chainUid) => [chainUid, { chainUid, position: 2n ** 40n, eventId: ID, typeUid: 600_510, fingerprint: new Uint8Array(32).fill(255) }]));
    const { bytes } = sealEntry(buildEvent(sized(low), ID, now), { index: 2n ** 50n, origin: 'audit.test/dev/2031', loggedAt: now, heads });
    expect(bytes.length).toBeLessThanOrEqual(65_535);
    expect(bytes.length).toBeGreaterThan(64_000);
  });
});

describe('chainRoot', () => {
  const head = (chainUid: string, position = 0n): ChainHead => ({ chainUid, position, eventId: ID, typeUid: 1, fingerprint: new Uint8Array(32) });
  const root = (...heads: ChainHead[]) => Buffer.from(chainRoot(heads)).toString('hex');
  it('changes with a chain left out, cut short or renamed', () => {
    const whole = root(head('a'), head('b', 2n));
    for (const other of [root(head('a')), root(head('a'), head('b', 1n)), root(head('a'), head('c', 2n)), root()]) expect(other).not.toBe(whole);
  });
});
