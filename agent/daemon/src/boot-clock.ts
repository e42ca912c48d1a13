import { readFileSync } from 'node:fs';

/** Seconds since boot, suspended time included, so that a lease cannot be slept through or stretched by setting the clock. */
export interface BootClock {
  seconds(): number;
}

/** CLOCK_BOOTTIME as the kernel shows it in /proc/uptime (10 ms steps); elsewhere the monotonic clock, which stops in suspend. */
export const systemBootClock: BootClock = {
  seconds() {
    try {
      const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]);
      if (Number.isFinite(uptime)) return uptime;
    } catch {
      // Not Linux.
    }
    return performance.now() / 1000;
  },
};
