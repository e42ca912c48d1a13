import { spawn, type ChildProcess } from 'node:child_process';
import { childEnvironment } from './environment.js';

// Reads "+pid" and "-pid" lines; when the launcher is gone, however it went, ends whoever is still listed, politely and then not.
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
while read -r line; do
  case "$line" in
    +*) pids="$pids\${line#+} " ;;
    -*) pid=\${line#-}; pids=$(printf '%s' "$pids" | sed "s/ $pid / /") ;;
    done) exit 0 ;;
  esac
done
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
sleep 5
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
`;

/**
 * Sees to it that no program outlives the launcher, not even one that is killed: a small shell at the other end of a pipe.
 * A program that ends by itself is taken off the list at once, so that its number, used again, belongs to nobody here.
 */
export class Guardian {
  readonly #shell: ChildProcess;

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, env: childEnvironment(), stdio: ['pipe', 'ignore', 'ignore'] });
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.on('error', () => undefined);
    this.#shell.unref();
    (this.#shell.stdin as { unref?(): void } | null)?.unref?.();
  }

  watch(child: ChildProcess): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#tell(`+${pid}`);
    child.once('exit', () => { this.#tell(`-${pid}`); });
  }

  dismiss(): void {
    this.#tell('done');
    this.#shell.stdin?.end();
  }

  #tell(line: string): void {
    if (this.#shell.stdin?.writable === true) this.#shell.stdin.write(`${line}\n`);
  }
}
