/** What {@link measureDecisionRate} saw. */
export interface DecisionRate {
  readonly decisions: number;
  readonly perSecond: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
}

/**
 * Measures how often a question is answered, end to end (validation, serialisation, evaluation, check of the answer), on one
 * thread. Figures of a loaded machine mean something only beside a peer measured in the same run.
 *
 * @param decide asks one question; its answer is read so that it cannot be left out.
 * @param clock nanoseconds, monotonic.
 */
export function measureDecisionRate(
  decide: () => { readonly decision: boolean },
  decisions: number,
  clock: () => bigint = () => process.hrtime.bigint(),
): DecisionRate {
  if (!Number.isSafeInteger(decisions) || decisions < 1) throw new RangeError('decisions must be a positive integer');
  const expected = decide().decision;
  const times = new Float64Array(decisions);
  const begun = clock();
  for (let i = 0; i < decisions; i++) {
    const before = clock();
    if (decide().decision !== expected) throw new Error('the same question was answered differently');
    times[i] = Number(clock() - before) / 1_000;
  }
  const seconds = Number(clock() - begun) / 1e9;
  times.sort();
  const quantile = (share: number): number => times[Math.min(decisions - 1, Math.floor(decisions * share))] ?? 0;
  return {
    decisions,
    perSecond: seconds > 0 ? decisions / seconds : 0,
    p50Microseconds: quantile(0.5),
    p99Microseconds: quantile(0.99),
  };
}
