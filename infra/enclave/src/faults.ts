/** One thing wrong with a declaration, in words for whoever wrote it. */
export interface EnclaveFault {
  /** JSON pointer; empty for the whole. */
  readonly path: string;
  readonly expected: string;
  /** What stands there, shortened; `nothing` where it is absent. */
  readonly got: string;
  readonly remedy: string;
}

const SHOWN = 80;

/** Collects faults, so that one run tells them all. */
export class Faults {
  readonly #found: EnclaveFault[] = [];

  add(path: string, expected: string, value: unknown, remedy: string): undefined {
    this.#found.push({ path, expected, got: shown(value), remedy });
    return undefined;
  }

  get count(): number {
    return this.#found.length;
  }

  list(): readonly EnclaveFault[] {
    return Object.freeze([...this.#found]);
  }
}

export function formatFault({ path, expected, got, remedy }: EnclaveFault): string {
  return `${path || '/'}: expected ${expected}, got ${got}. ${remedy}`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = typeof value;
  }
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
