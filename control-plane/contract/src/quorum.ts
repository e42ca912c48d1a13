import type { Factor } from './scalars.js';

export type RequiredFactors = Readonly<Partial<Record<Factor, number>>>;

export interface Vote {
  readonly approver: string;
  readonly factor: Factor;
}

export interface Quorum {
  readonly complete: boolean;
  /** One person a slot, one slot a person; sorted by factor, then approver. */
  readonly matched: readonly Vote[];
  /** Slots nobody fills yet. */
  readonly missing: readonly { readonly factor: Factor; readonly count: number }[];
}

/** The stricter of several demands, factor by factor. */
export function strictestFactors(...demands: readonly RequiredFactors[]): RequiredFactors {
  const strictest: Partial<Record<Factor, number>> = {};
  for (const demand of demands) {
    for (const [name, count] of Object.entries(demand) as [Factor, number][]) {
      strictest[name] = Math.max(strictest[name] ?? 0, count);
    }
  }
  return strictest;
}

/**
 * Fills the required slots with distinct people: a maximum bipartite matching (augmenting paths), so that a person who may fill
 * two factors never counts twice and never blocks one who may fill a single one. Deterministic: votes and slots are sorted first.
 * A demand for nobody is never complete.
 *
 * @param excluded people who must not count (the requester).
 */
export function matchQuorum(required: RequiredFactors, votes: readonly Vote[], excluded: ReadonlySet<string>): Quorum {
  const slots = (Object.entries(required) as [Factor, number][]).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, count]) => Array.from({ length: count }, () => name));
  const candidates = [...new Set(votes.filter((vote) => !excluded.has(vote.approver)).map((vote) => vote.approver))].sort();
  const mayFill = (approver: string, slot: Factor) => votes.some((vote) => vote.approver === approver && vote.factor === slot);
  const slotOf = new Map<string, number>();
  const holder: (string | undefined)[] = slots.map(() => undefined);

  const assign = (slot: number, visited: Set<string>): boolean => {
    for (const approver of candidates) {
      if (visited.has(approver) || !mayFill(approver, slots[slot] as Factor)) continue;
      visited.add(approver);
      const taken = slotOf.get(approver);
      if (taken === undefined || assign(taken, visited)) {
        slotOf.set(approver, slot);
        holder[slot] = approver;
        return true;
      }
    }
    return false;
  };
  const filled = slots.map((_, slot) => assign(slot, new Set()));

  const matched = slots
    .flatMap((name, slot) => (holder[slot] === undefined ? [] : [{ factor: name, approver: holder[slot] }]))
    .sort((a, b) => (a.factor === b.factor ? (a.approver < b.approver ? -1 : 1) : a.factor < b.factor ? -1 : 1));
  const missing = [...new Set(slots)].flatMap((name) => {
    const count = slots.filter((slotName, slot) => slotName === name && !filled[slot]).length;
    return count > 0 ? [{ factor: name, count }] : [];
  });
  return { complete: slots.length > 0 && missing.length === 0, matched, missing };
}
