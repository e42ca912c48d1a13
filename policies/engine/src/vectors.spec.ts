import { describe, expect, it } from '@jest/globals';
import { decide, ENTRYPOINTS, vectorEngine, vectors, type Vector } from './testing/vectors.js';
import type { AppraisalDecision, Decision } from './decision.js';

const engines = { development: vectorEngine('development'), production: vectorEngine('production') };
const digests = { development: engines.development.policyDigest, production: engines.production.policyDigest };

function summary(decision: Decision | AppraisalDecision, { expected }: Vector) {
  const needed = decision.obligations.find(({ id }) => id === 'approvals.needed');
  return {
    decision: decision.decision,
    codes: decision.reasons.map(({ code }) => code),
    ...(expected.obligations === undefined ? {} : { obligations: decision.obligations.map(({ id }) => id) }),
    ...(expected.factors === undefined ? {} : { factors: needed?.properties['factors'] }),
    ...('status' in decision ? { status: decision.status, vector: decision.vector } : {}),
  };
}

describe.each(ENTRYPOINTS)('decision table of %s', (entrypoint) => {
  const rows = vectors(entrypoint, digests).map((row, number) => [`${row.profile} ${number}: ${row.name}`, row] as const);

  it.each(rows)('%s', (_, row) => {
    expect(summary(decide(engines[row.profile], entrypoint, row.input), row)).toEqual(row.expected);
  });

  it('tells everybody who is refused what to do about it', () => {
    for (const [, row] of rows) {
      for (const reason of decide(engines[row.profile], entrypoint, row.input).reasons) {
        expect(reason.message.length).toBeGreaterThan(10);
        expect(reason.remedy.length).toBeGreaterThan(10);
        expect(reason.message).not.toBe('A required check did not hold.');
      }
    }
  });
});
