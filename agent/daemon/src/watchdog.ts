import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface WatchdogOptions {
  /** Removed when the watchdog fires. */
  readonly runtimeFolder: string;
  /** cgroup v2 folder of the workload, killed first. */
  readonly workloadCgroup?: string | undefined;
}

/**
 * A process of its own that outlives a hung or killed agent: when the deadline passes without a newer one, or the agent goes away,
 * it kills the workload's cgroup, then the agent, then removes the runtime folder (protocol rule 13, in that order).
 */
export class Watchdog {
  private constructor(private readonly child: ChildProcess) {}

  static start(options: WatchdogOptions): Watchdog {
    const program = fileURLToPath(new URL('./watchdog-main.js', import.meta.url));
    const child = spawn(process.execPath, [program, String(process.pid), options.runtimeFolder, options.workloadCgroup ?? ''], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    child.unref();
    // A dead watchdog ends the agent's own pipe writes; what it watched over ends by the lease in this process.
    child.stdin?.on('error', () => undefined);
    return new Watchdog(child);
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
    this.child.stdin?.end('stop\n');
  }
}
