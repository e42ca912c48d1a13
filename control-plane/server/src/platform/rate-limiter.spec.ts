import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from './rate-limiter.js';

function limiterAt(perMinute: number) {
  let now = 0;
  return { limiter: new RateLimiter(perMinute, { now: () => new Date(now) }), pass: (ms: number) => (now += ms) };
}

describe('RateLimiter', () => {
  it('gives what a minute allows at once, then evenly', () => {
    const { limiter, pass } = limiterAt(60);
    expect(Array.from({ length: 61 }, () => limiter.take('a')).filter(Boolean)).toHaveLength(60);
    pass(999);
    expect(limiter.take('a')).toBe(false);
    pass(1000);
    expect(limiter.take('a')).toBe(true);
    expect(limiter.take('a')).toBe(false);
  });
  it('keeps keys apart', () => {
    const { limiter } = limiterAt(1);
    expect([limiter.take('a'), limiter.take('b'), limiter.take('a')]).toEqual([true, true, false]);
  });
  it('tells without taking', () => {
    const { limiter } = limiterAt(1);
    expect([limiter.allows('a'), limiter.allows('a'), limiter.take('a'), limiter.allows('a')]).toEqual([true, true, true, false]);
  });
  it('gives nothing for a clock that goes back, nor saves more than a minute', () => {
    const { limiter, pass } = limiterAt(2);
    limiter.take('a');
    limiter.take('a');
    pass(-60_000);
    expect(limiter.take('a')).toBe(false);
    pass(3_600_000);
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([true, true, false]);
  });
  it('forgets the key used longest ago, not the busy ones', () => {
    const { limiter } = limiterAt(1);
    limiter.take('old');
    for (let n = 0; n < 100_000; n++) limiter.take(`k${n}`);
    expect([limiter.take('old'), limiter.take('k99999')]).toEqual([true, false]);
  });
});
