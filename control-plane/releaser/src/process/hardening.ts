import type { StartFault } from '../errors.js';

/** What can be asked of the running process; a test gives its own answers. */
export interface ProcessFacts {
  readonly execArgv: readonly string[];
  readonly nodeOptions: string;
  /** `inspector.url()`. */
  readonly inspectorUrl: string | undefined;
  /** Contents of /proc/self/limits, undefined where there is none. */
  readonly limits: string | undefined;
  /** Contents of /proc/swaps, undefined where there is none. */
  readonly swaps: string | undefined;
}

/** Options that open the process's memory to others, or write it to disk. */
const EXPOSING = /--(inspect|heapsnapshot|heap-prof|cpu-prof|report-|diagnostic|abort-on-uncaught|experimental-report|track-heap)[\w-]*|--(require|import|loader|experimental-loader)\b|(^|\s)-r\s/;

/** A debugger reads every key: no profile starts with one. */
export function inspectorFaults({ execArgv, nodeOptions, inspectorUrl }: ProcessFacts): StartFault[] {
  const faults: StartFault[] = [];
  if (inspectorUrl !== undefined) faults.push({ at: 'process', message: 'the inspector is listening' });
  if (EXPOSING.test(nodeOptions)) faults.push({ at: 'NODE_OPTIONS', message: 'carries an option that opens, dumps or replaces this program' });
  if (execArgv.some((option) => /^--(inspect|heapsnapshot|heap-prof|report-|abort-on-uncaught)/.test(option))) {
    faults.push({ at: 'process', message: 'was started with an option that opens or dumps its memory' });
  }
  return faults;
}

/** Ways in which memory reaches a disk: refused in production, told in development. */
export function memoryFaults({ limits, swaps }: ProcessFacts): StartFault[] {
  const faults: StartFault[] = [];
  if (coreLimit(limits) !== '0') faults.push({ at: 'process', message: 'core dumps are not off; start it with a core limit of 0 (ulimit -c 0, LimitCORE=0)' });
  if (swaps === undefined || swaps.trim().split('\n').length > 1) faults.push({ at: 'process', message: 'swap is not known to be off (swapoff -a)' });
  return faults;
}

/** The soft limit, the first of the two figures; undefined where it cannot be read. */
function coreLimit(limits: string | undefined): string | undefined {
  return /^Max core file size\s+(\S+)\s/m.exec(limits ?? '')?.[1];
}
