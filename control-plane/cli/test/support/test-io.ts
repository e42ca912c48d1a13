import { createHash } from 'node:crypto';
import { runCli, type Io } from '../../src/index.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON. */
  readonly json: Record<string, unknown>;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly now?: Date;
  readonly confirm?: (question: string) => boolean;
}

/** Never the same bytes twice, as of a real source. */
let drawn = 0;

/** Runs the command in this process, as its program would. */
export async function run(args: readonly string[], { env = {}, now = new Date('2026-11-22T12:00:00Z'), confirm = () => false }: RunOptions = {}): Promise<Ran> {
  let [out, err] = ['', ''];
  const io: Io = {
    env,
    out: (text) => { out += text; },
    err: (text) => { err += text; },
    now: () => now,
    random: (length) => new Uint8Array(createHash('sha512').update(String((drawn += 1))).digest()).slice(0, length),
    confirm: async (question) => confirm(question),
  };
  const code = await runCli(args, io);
  return {
    code,
    out,
    err,
    get json() {
      return JSON.parse(out) as Record<string, unknown>;
    },
  };
}
