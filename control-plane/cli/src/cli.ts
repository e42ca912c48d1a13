import { safeJson } from './terminal/text.js';

/** Everything a command touches outside this program, so that tests can stand in for a terminal, a clock and a person. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly now: () => Date;
  readonly random: (length: number) => Uint8Array;
  /** Asks a person. False when they say no, or when nobody is there to ask. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/** One run of the command. */
export class Cli {
  exitCode = 0;

  constructor(readonly io: Io) {}

  /** Prints a result once: as JSON when asked, else as text that is neutralised already. */
  print(options: { readonly json?: boolean }, value: unknown, text: () => string): void {
    this.io.out(`${options.json === true ? safeJson(value) : text()}\n`);
  }

  note(text: string): void {
    this.io.err(`${text}\n`);
  }
}
