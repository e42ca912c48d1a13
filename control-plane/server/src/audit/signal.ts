import { setTimeout as delay } from 'node:timers/promises';

/** Something happened in this process. Take `next()` before looking, then wait: nothing raised in between is missed. */
export class Signal {
  #raise: () => void = () => undefined;
  #next = this.#fresh();

  next(): Promise<void> {
    return this.#next;
  }

  raise(): void {
    const raise = this.#raise;
    this.#next = this.#fresh();
    raise();
  }

  #fresh(): Promise<void> {
    return new Promise((resolve) => {
      this.#raise = resolve;
    });
  }
}

/** Waits for the first of them, `timeoutMs` at most. Leaves no timer behind. */
export async function firstOf(promises: readonly Promise<void>[], timeoutMs: number): Promise<void> {
  const abort = new AbortController();
  const timeout = delay(timeoutMs, undefined, { signal: abort.signal }).catch(() => undefined);
  await Promise.race([...promises, timeout]);
  abort.abort();
}
