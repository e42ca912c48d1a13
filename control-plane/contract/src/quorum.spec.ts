import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchQuorum, strictestFactors, type RequiredFactors, type Vote } from './quorum.js';

const none = new Set<string>();

describe('matchQuorum', () => {
  it('fills each factor with another person', () => {
    expect(matchQuorum({ owner: 1, security: 1 }, [{ approver: 'a', factor: 'owner' }, { approver: 'b', factor: 'security' }], none)).toEqual({
      complete: true,
      matched: [{ factor: 'owner', approver: 'a' }, { factor: 'security', approver: 'b' }],
      missing: [],
    });
  });

  it('does not let one person fill two factors', () => {
    const quorum = matchQuorum({ owner: 1, security: 1 }, [{ approver: 'a', factor: 'owner' }, { approver: 'a', factor: 'security' }], none);
    expect(quorum.complete).toBe(false);
    expect(quorum.missing).toHaveLength(1);
  });

  it('does not count one person twice for a factor', () => {
    expect(matchQuorum({ owner: 2 }, [{ approver: 'a', factor: 'owner' }, { approver: 'a', factor: 'owner' }], none).missing).toEqual([{ factor: 'owner', count: 1 }]);
  });

  it('moves a person who may fill two factors out of the way of one who may fill a single one', () => {
    const votes: Vote[] = [{ approver: 'a', factor: 'owner' }, { approver: 'a', factor: 'security' }, { approver: 'b', factor: 'owner' }];
    expect(matchQuorum({ owner: 1, security: 1 }, votes, none).matched).toEqual([{ factor: 'owner', approver: 'b' }, { factor: 'security', approver: 'a' }]);
  });

  it('never counts the requester', () => {
    expect(matchQuorum({ owner: 1 }, [{ approver: 'a', factor: 'owner' }], new Set(['a'])).complete).toBe(false);
  });

  it('is never complete where nobody is asked for', () => {
    expect(matchQuorum({}, [{ approver: 'a', factor: 'owner' }], none).complete).toBe(false);
    expect(matchQuorum({ owner: 0 }, [], none).complete).toBe(false);
  });

  it('finds a full matching exactly where one exists (brute force agrees)', () => {
    const names = ['a', 'b', 'c', 'd'];
    const factors = ['owner', 'security', 'executive'] as const;
    const vote = fc.record({ approver: fc.constantFrom(...names), factor: fc.constantFrom(...factors) });
    const demand = fc.record({ owner: fc.integer({ min: 0, max: 2 }), security: fc.integer({ min: 0, max: 2 }), executive: fc.integer({ min: 0, max: 1 }) });
    fc.assert(
      fc.property(fc.array(vote, { maxLength: 8 }), demand, (votes, required) => {
        const slots = factors.flatMap((name) => Array.from({ length: required[name] }, () => name));
        const possible = (slot: number, used: readonly string[]): boolean =>
          slot === slots.length || names.some((name) => !used.includes(name) && votes.some((v) => v.approver === name && v.factor === slots[slot]) && possible(slot + 1, [...used, name]));
        const quorum = matchQuorum(required, votes, none);
        expect(quorum.complete).toBe(slots.length > 0 && possible(0, []));
        expect(new Set(quorum.matched.map((m) => m.approver)).size).toBe(quorum.matched.length);
      }),
      { seed: 20261122 },
    );
  });
});

describe('strictestFactors', () => {
  it('takes the larger count of each factor', () => {
    const demands: RequiredFactors[] = [{ owner: 1, security: 2 }, { owner: 2 }, { executive: 1 }];
    expect(strictestFactors(...demands)).toEqual({ owner: 2, security: 2, executive: 1 });
  });
});
