import { StrongroomError } from '../platform/errors.js';

export type ReleaseState = 'reserved' | 'logged' | 'unwrapping' | 'released' | 'ended' | 'refused';

/**
 * The only moves a release makes. From `unwrapping` on it counts as released, whatever happens: its keys may have left.
 * A move to itself is a retry.
 */
export const releaseMoves: Readonly<Record<ReleaseState, readonly ReleaseState[]>> = {
  reserved: ['reserved', 'logged', 'refused', 'ended'],
  logged: ['logged', 'unwrapping', 'refused', 'ended'],
  unwrapping: ['unwrapping', 'released', 'ended'],
  released: ['released', 'ended'],
  ended: [],
  refused: [],
};

/** @throws StrongroomError `conflict` */
export function moveRelease(release: { state: ReleaseState }, to: ReleaseState): void {
  if (!releaseMoves[release.state].includes(to)) throw new StrongroomError('conflict', `a release that is ${release.state} cannot become ${to}`);
  release.state = to;
}

const steps: readonly ReleaseState[] = ['reserved', 'logged', 'unwrapping', 'released'];

/** Whether a release on its way to its keys has passed `step`. One that has ended has not: it goes nowhere. */
export function isPast(state: ReleaseState, step: ReleaseState): boolean {
  return steps.includes(state) && steps.indexOf(state) > steps.indexOf(step);
}
