import type { Stage } from './stage/stage.js';

/** What an attempt came to: refused with a code, or not refused at all. */
export interface Outcome {
  readonly refused: boolean;
  /** The refusal's stable code; `accepted` when there was none. */
  readonly code: string;
}

/** One attack: who does what, the attempt, and the refusal that must come of it. */
export interface Attack {
  readonly name: string;
  /** The law or protocol rule it tries to break. */
  readonly rule: string;
  readonly story: string;
  /** The refusal expected. Any other code, however much of a refusal, fails: the attack was stopped by accident. */
  readonly expected: string | readonly string[];
  /** Makes the attempt against real parts. @returns every refusal met; all must be the expected one */
  attempt(stage: Stage): Promise<readonly Outcome[]>;
}

export const accepted: Outcome = { refused: false, code: 'accepted' };

export interface Verdict {
  readonly name: string;
  readonly refused: boolean;
  /** The codes met, each once. */
  readonly code: string;
}

/** Runs an attack. It counts as refused only when every attempt was, each with an expected code, and there was an attempt at all. */
export async function judge(attack: Attack, stage: Stage): Promise<Verdict> {
  const outcomes = await attack.attempt(stage);
  const expected = new Set(typeof attack.expected === 'string' ? [attack.expected] : attack.expected);
  const refused = outcomes.length > 0 && outcomes.every((outcome) => outcome.refused && expected.has(outcome.code));
  return { name: attack.name, refused, code: [...new Set(outcomes.map(({ code }) => code))].sort().join(', ') || 'no attempt' };
}

/** Turns an attempt into its outcome. A fault that carries no code is neither a refusal nor an acceptance: it is thrown on. */
export async function outcomeOf(attempt: () => unknown): Promise<Outcome> {
  try {
    await attempt();
    return accepted;
  } catch (error) {
    const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
    if (typeof code !== 'string') throw error;
    // The agent wraps the check that failed; the finer code is what the attack is about.
    return { refused: true, code: typeof reason === 'string' ? reason : code };
  }
}
