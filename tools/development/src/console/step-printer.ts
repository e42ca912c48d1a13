import pc from 'picocolors';
import { DevelopmentError } from '../errors.js';
import type { PlatformEvent } from '../platform/development-platform.js';
import { ProgressBar, type Terminal } from './progress-bar.js';

/** What a step gives to be told about it. */
export interface StepContext {
  /** A bar under the step until it is done. */
  readonly progress: (label: string) => (done: number, total: number) => void;
}

export interface Steps {
  run<T>(title: string, work: (context: StepContext) => Promise<{ readonly value: T; readonly detail: string }>): Promise<T>;
}

/** One line a step, as it happens. */
export class StepPrinter implements Steps {
  #step = 0;
  #quiet = false;
  readonly #colour = pc.createColors(undefined);

  constructor(
    private readonly terminal: Terminal,
    private readonly total: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  heading(text: string): void {
    this.line(`\n${this.#paint('bold', text)}`);
  }

  /** From now on nothing more is said: what is still under way is being stopped. */
  hush(): void {
    this.#quiet = true;
  }

  line(text: string): void {
    if (this.#quiet) return;
    this.terminal.write(`${text}\n`);
  }

  event(event: PlatformEvent): void {
    if (event.kind === 'note') this.line(`${this.#paint('yellow', '·')} ${clean(event.text)}`);
    else this.line(`${this.#paint('green', '✓')} ${clean(event.text)} ${this.#paint('dim', `(${event.milliseconds} ms)`)}`);
  }

  /** Runs a step and prints its line, whichever way it ends. */
  async run<T>(title: string, work: (context: StepContext) => Promise<{ readonly value: T; readonly detail: string }>): Promise<T> {
    const number = `${String((this.#step += 1)).padStart(2)}/${this.total}`;
    const started = this.now();
    const bars: ProgressBar[] = [];
    const context: StepContext = {
      progress: (label) => {
        const bar = new ProgressBar(this.terminal, label);
        bars.push(bar);
        return (done, total) => {
          if (!this.#quiet) bar.update(done, total);
        };
      },
    };
    try {
      const { value, detail } = await work(context);
      for (const bar of bars) bar.clear();
      this.line(`${this.#paint('green', '✓')} ${number} ${title} — ${clean(detail)} ${this.#paint('dim', `(${Math.round(this.now() - started)} ms)`)}`);
      return value;
    } catch (error) {
      for (const bar of bars) bar.clear();
      this.line(`${this.#paint('red', '✗')} ${number} ${title}`);
      throw error;
    }
  }

  #paint(style: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string {
    return this.terminal.isTTY ? this.#colour[style](text) : text;
  }
}

/** An error as a person at a terminal wants it: what, then what the program said last. No stack for what we know. */
export function describeFailure(error: unknown): string[] {
  if (error instanceof DevelopmentError) return [clean(error.message), ...error.details.map((line) => `  ${clean(line)}`)];
  const { name, code, message, stack } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown; stack?: unknown };
  if (typeof code === 'string' && typeof message === 'string') return [`${clean(message)} (${code})`];
  return [typeof stack === 'string' ? stack : `${String(name)}: ${String(message)}`];
}

/** Control characters of whatever a program or a server said stay out of the terminal. */
function clean(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ');
}
