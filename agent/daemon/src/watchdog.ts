import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WatchdogOptions {
  /** Removed when the watchdog fires. */
  readonly runtimeFolder: string;
  /** cgroup v2 folder of the workload, killed first. */
  readonly workloadCgroup?: string | undefined;
  /** Default: the program beside this module. */
  readonly program?: string | undefined;
  /** Ends this process at once, its keys with it. Default `process.exit(1)`: as process 1 of a container nobody else could kill it. */
  readonly endAgent?: (() => void) | undefined;
}

/**
 * A process of its own that outlives a hung or killed agent: when the deadline passes without a newer one, or the agent goes away,
 * it kills the workload's cgroup, then the agent, then removes the runtime folder (protocol rule 13, in that order).
 * The agent does not outlive it either: when it is gone undismissed, all of that is done from here.
 */
export class Watchdog {
  #dismissed = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: WatchdogOptions,
  ) {}

  static start(options: WatchdogOptions): Watchdog {
    const program = options.program ?? fileURLToPath(new URL('./watchdog-main.js', import.meta.url));
    const child = spawn(process.execPath, [program, String(process.pid), options.runtimeFolder, options.workloadCgroup ?? ''], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    child.unref();
    const watchdog = new Watchdog(child, options);
    // What cannot be written to is gone, and that is told by its end.
    child.stdin?.on('error', () => undefined);
    child.once('error', () => { watchdog.gone(); });
    child.once('exit', () => { watchdog.gone(); });
    return watchdog;
  }

  /** Moves the deadline. @param bootSeconds on the boot clock. */
  feed(bootSeconds: number): void {
    this.child.stdin?.write(`${bootSeconds}\n`);
  }

  /** Nothing is open any more: nothing to watch. */
  rest(): void {
    this.child.stdin?.write('rest\n');
  }

  /** Dismisses the watchdog for good. */
  stop(): void {
    this.#dismissed = true;
    this.child.stdin?.end('stop\n');
  }

  /**
   * Ends the workload: what it read of the weights is in its memory, which no wipe of ours reaches.
   * @returns false where a cgroup is named and could not be killed
   */
  endWorkload(): boolean {
    const { workloadCgroup } = this.options;
    if (workloadCgroup === undefined) return true;
    try {
      writeFileSync(join(workloadCgroup, 'cgroup.kill'), '1');
      return true;
    } catch {
      return false;
    }
  }

  private gone(): void {
    if (this.#dismissed) return;
    this.#dismissed = true;
    process.stderr.write('strongroom-agent: the watchdog is gone; nothing may be open without it\n');
    this.endWorkload();
    try {
      rmSync(this.options.runtimeFolder, { recursive: true, force: true });
    } finally {
      (this.options.endAgent ?? (() => process.exit(1)))();
    }
  }
}
