import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentMeasurement, type MeasuredFile } from '@strongroom/agent-collectors';
import { packageClosure, type InstalledPackage } from './package-closure.js';

/** The PCR the agent extends with itself: 15, which systemd keeps for the system's identity. */
export const MEASUREMENT_PCR = 15;

/**
 * What this agent is: every file of code and data in its own package and in every package it can load, the Node program that runs
 * it, the policy bundle it carries, and the anchors it pins. The agent reads its own files, so this tells what was installed; a
 * measured boot chain has to vouch for the agent that reads.
 */
export function measureAgent(anchorsDigest: string): Uint8Array {
  const own = resolve(dirname(fileURLToPath(import.meta.url)), '..');
  const runtime = { path: `runtime/${basename(process.execPath)}`, bytes: new Uint8Array(readFileSync(process.execPath)) };
  return agentMeasurement({ files: [runtime, ...packageClosure(own).flatMap((one, position) => filesOf(one, position))], anchorsDigest });
}

/** Two copies of one package may be installed; their place in the closure keeps their paths apart. */
function filesOf({ name, version, folder }: InstalledPackage, position: number): MeasuredFile[] {
  // Ours are run from dist; of others nobody knows which of their files runs.
  const files = name.startsWith('@strongroom/') ? [join(folder, 'package.json'), ...['dist', 'data', 'schemas'].flatMap((part) => list(join(folder, part)))] : list(folder);
  return files.map((file) => ({ path: `${position}/${name}@${version}/${relative(folder, file)}`, bytes: new Uint8Array(readFileSync(file)) }));
}

// What Node can be made to run or read as data; sources, maps and documents are not.
const LOADABLE = /\.(?:js|mjs|cjs|json|wasm|node)$/;

function list(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : list(path);
    return LOADABLE.test(entry.name) ? [path] : [];
  });
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}
