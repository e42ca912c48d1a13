import type { Clock } from './clock.js';

const MAX_KEYS = 100_000;

/**
 * Token buckets in this process's memory, one a key, full at first and refilled evenly. The map is bounded: the keys used
 * longest ago are forgotten, which can only grant them a full bucket. (The throttler module for NestJS is CommonJS and cannot
 * be loaded by the test runner beside an ESM-only NestJS on Node 20.)
 */
export class RateLimiter {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(
    private readonly perMinute: number,
    private readonly clock: Clock,
  ) {}

  /** Takes one token. False when none is left. */
  take(key: string): boolean {
    const tokens = this.#tokens(key);
    this.#put(key, tokens >= 1 ? tokens - 1 : tokens);
    return tokens >= 1;
  }

  /** Whether a token is left, without taking it. */
  allows(key: string): boolean {
    return this.#tokens(key) >= 1;
  }

  #tokens(key: string): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return this.perMinute;
    const elapsedMs = Math.max(0, this.clock.now().getTime() - bucket.at);
    return Math.min(this.perMinute, bucket.tokens + (elapsedMs * this.perMinute) / 60_000);
  }

  #put(key: string, tokens: number): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: this.clock.now().getTime() });
    if (this.#buckets.size > MAX_KEYS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
  }
}
