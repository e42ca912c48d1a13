export interface Terminal {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): void;
}

const BAR_CELLS = 28;
const MEBIBYTE = 1024 * 1024;
/** Without a terminal a long step tells these parts of itself, a line each. */
const PARTS = [0.25, 0.5, 0.75, 1];
const FRAME_MS = 60;

/** One bar that redraws itself on a terminal, or a few plain lines elsewhere. */
export class ProgressBar {
  #told = 0;
  #drawn = false;
  #lastFrame = -Infinity;

  constructor(
    private readonly terminal: Terminal,
    private readonly label: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  update(done: number, total: number): void {
    if (!(total > 0)) return;
    const share = Math.min(1, Math.max(0, done / total));
    if (this.terminal.isTTY) this.#draw(share, done, total);
    else this.#tell(share, total);
  }

  /** Takes the bar away, so that the step's own line can stand there. */
  clear(): void {
    if (this.#drawn) this.terminal.write('\r\u001b[2K');
    this.#drawn = false;
  }

  #draw(share: number, done: number, total: number): void {
    const at = this.now();
    if (share < 1 && at - this.#lastFrame < FRAME_MS) return;
    this.#lastFrame = at;
    this.#drawn = true;
    this.terminal.write(`\r\u001b[2K${renderBar(this.label, share, done, total, this.terminal.columns)}`);
  }

  #tell(share: number, total: number): void {
    const reached = PARTS.filter((part) => share >= part).length;
    if (reached <= this.#told) return;
    this.#told = reached;
    this.terminal.write(`  ${this.label} ${Math.floor(share * 100)} % of ${mebibytes(total)}\n`);
  }
}

/** As wide as the terminal allows, never wider: a wrapped line could not be redrawn. */
export function renderBar(label: string, share: number, done: number, total: number, columns: number): string {
  const figures = `${String(Math.floor(share * 100)).padStart(3)} %  ${mebibytes(done)} of ${mebibytes(total)}`;
  const cells = Math.max(0, Math.min(BAR_CELLS, columns - label.length - figures.length - 7));
  const full = Math.round(share * cells);
  const bar = cells === 0 ? '' : ` [${'█'.repeat(full)}${'·'.repeat(cells - full)}]`;
  return `  ${label}${bar} ${figures}`.slice(0, Math.max(0, columns - 1));
}

export function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
