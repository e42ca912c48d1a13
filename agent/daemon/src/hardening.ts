import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { AgentError } from './errors.js';

export interface ProcessState {
  readonly inspector: boolean;
  /** Soft limit on core dumps, or undefined where it cannot be told. */
  readonly coreLimitBytes: number | undefined;
  readonly swap: boolean | undefined;
  /** Options that make Node load code of somebody else's choosing before ours. */
  readonly preloads: readonly string[];
}

/** What this process would leave behind or let others read. */
export function processState(): ProcessState {
  const inspector = inspectorUrl() !== undefined || process.execArgv.some((argument) => argument.startsWith('--inspect'));
  return { inspector, coreLimitBytes: coreLimit(), swap: swapInUse(), preloads: preloadsOf([...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]) };
}

const PRELOAD = /^(?:-r|--require|--import|--loader|--experimental-loader|--env-file.*)(?:=.*)?$/;

/** Of Node's options, those by which code enters that no measurement names. */
export function preloadsOf(options: readonly string[]): readonly string[] {
  return options.filter((option) => PRELOAD.test(option));
}

/**
 * Node opens its debugger on SIGUSR1, long after a start that was clean: whoever may send the workload's signals could then read
 * every key on a local port. With a listener of our own the signal does nothing.
 */
export function refuseDebugger(onAttempt: () => void): void {
  process.on('SIGUSR1', onAttempt);
}

/**
 * Keys must not end in a core file, in swap, or before a debugger (protocol rule 13).
 * @returns what could not be had, for the log; only the development profile gets that far with any of it.
 * @throws AgentError `process-not-hardened`
 */
export function assertHardened(state: ProcessState, profile: 'development' | 'production'): readonly string[] {
  const faults = [
    ...(state.coreLimitBytes === 0 ? [] : ['core dumps are on; start under `ulimit -c 0`']),
    ...(state.swap === false ? [] : ['swap is on; turn it off']),
  ];
  // A debugger reads every key: refused in every profile.
  if (state.inspector) throw new AgentError('process-not-hardened', 'the inspector is on; start without --inspect');
  if (state.preloads.length > 0) throw new AgentError('process-not-hardened', `code is loaded before the agent (${state.preloads.join(', ')}); start without it`);
  if (profile === 'production' && faults.length > 0) throw new AgentError('process-not-hardened', faults.join('; '));
  return faults;
}

function coreLimit(): number | undefined {
  const line = readProc('/proc/self/limits')?.split('\n').find((candidate) => candidate.startsWith('Max core file size'));
  const soft = line?.slice('Max core file size'.length).trim().split(/\s+/, 1)[0];
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

function swapInUse(): boolean | undefined {
  const swaps = readProc('/proc/swaps');
  return swaps === undefined ? undefined : swaps.trim().split('\n').length > 1;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
