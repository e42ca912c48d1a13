import { describe, expect, it } from '@jest/globals';
import { CRASH_POINTS, crashPoints } from './crash-points.js';

describe('crash points', () => {
  it.each(CRASH_POINTS)('end the process at %s when it is the one wanted', (point) => {
    const ended: string[] = [];
    const reach = crashPoints(point, () => ended.push(point));
    for (const each of CRASH_POINTS) reach(each);
    expect(ended).toEqual([point]);
  });

  it('do nothing when none, or none that exists, is wanted', () => {
    let ended = 0;
    for (const wanted of [undefined, '', 'everywhere']) for (const point of CRASH_POINTS) crashPoints(wanted, () => (ended += 1))(point);
    expect(ended).toBe(0);
  });
});
