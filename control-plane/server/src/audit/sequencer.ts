import { describeError, type Logger } from '../platform/logger.js';
import { StrongroomError } from '../platform/errors.js';
import { firstOf, Signal } from './signal.js';
import { Term, type TermParts } from './term.js';

/** How long to wait before standing for office again, or asking a silent witness again. */
const RETRY_MS = 1000;

/** Keeps the log going: sequences while in office, stands by while another is, and never goes on after a doubt about its state. */
export class Sequencer {
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  readonly #stop = new Signal();

  constructor(
    private readonly parts: TermParts,
    private readonly pollMs: number,
    /** Raised when something was recorded. */
    private readonly recorded: Signal,
    /** Raised when a checkpoint was published. */
    private readonly published: Signal,
    private readonly logger: Logger,
  ) {}

  /**
   * Takes office if it is free, and does the first round before it returns, so that a log that must not go on stops the start.
   * @throws StrongroomError `log-fork` | `config-invalid`
   */
  async start(): Promise<void> {
    const term = await Term.begin(this.parts);
    try {
      if (term) await this.#round(term);
    } catch (error) {
      await term?.end();
      throw error;
    }
    this.#running = this.#run(term);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stop.raise();
    await this.#running;
  }

  async #run(first: Term | undefined): Promise<void> {
    let term = first;
    while (!this.#stopping) {
      try {
        term ??= await Term.begin(this.parts);
        if (term) await this.#serve(term);
        else await this.#pause(RETRY_MS);
      } catch (error) {
        await term?.end();
        term = undefined;
        this.#report(error);
        if (error instanceof StrongroomError && error.code === 'log-fork') return;
        await this.#pause(RETRY_MS);
      }
    }
    await term?.end();
  }

  async #serve(term: Term): Promise<void> {
    while (!this.#stopping) {
      const next = this.recorded.next();
      const added = await this.#round(term);
      if (added === 0 && !this.#stopping) await firstOf([next, this.#stop.next()], this.pollMs);
    }
  }

  async #round(term: Term): Promise<number> {
    const added = await term.sequence();
    if (!term.isBehind) return added;
    try {
      await term.publish();
      this.published.raise();
    } catch (error) {
      if (!(error instanceof StrongroomError) || error.code !== 'witness-unavailable') throw error;
      // Entries wait in the database; whoever waits for their publication is refused meanwhile.
      this.#report(error);
      await this.#pause(RETRY_MS);
    }
    return added;
  }

  #pause(ms: number): Promise<void> {
    return this.#stopping ? Promise.resolve() : firstOf([this.#stop.next()], ms);
  }

  #report(error: unknown): void {
    const fatal = error instanceof StrongroomError && error.code === 'log-fork';
    this.logger[fatal ? 'fatal' : 'warn']({ err: describeError(error) }, fatal ? 'the log has stopped: its copies disagree' : 'the sequencer was interrupted');
  }
}
