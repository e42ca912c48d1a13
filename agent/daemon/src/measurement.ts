import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentMeasurement, type MeasuredFile } from '@strongroom/agent-collectors';

/** The PCR the agent extends with itself: 15, which systemd keeps for the system's identity. */
export const MEASUREMENT_PCR = 15;

/**
 * What this agent is: every JavaScript file of its own package and of the workspace packages it runs, the policy bundle it
 * carries, and the anchors it pins. The agent reads its own files, so this tells what was installed; a measured boot chain has
 * to vouch for the agent that reads.
 */
export function measureAgent(anchorsDigest: string): Uint8Array {
  const own = resolve(dirname(fileURLToPath(import.meta.url)), '..');
  return agentMeasurement({ files: collect(own), anchorsDigest });
}

const PACKAGES = [
  '@strongroom/agent-collectors',
  '@strongroom/agent-sealing',
  '@strongroom/attestation-encoding',
  '@strongroom/attestation-model',
  '@strongroom/attestation-tlog',
  '@strongroom/control-plane-contract',
  '@strongroom/policies-engine',
  '@strongroom/policies',
];

function collect(own: string): MeasuredFile[] {
  const require = createRequire(import.meta.url);
  const folders = new Map([['@strongroom/agent-daemon', own], ...PACKAGES.map((name) => [name, dirname(require.resolve(`${name}/package.json`))] as const)]);
  return [...folders].flatMap(([name, folder]) =>
    list(join(folder, 'dist')).map((file) => ({ path: `${name}/${relative(folder, file)}`, bytes: new Uint8Array(readFileSync(file)) })),
  );
}

function list(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return list(path);
    return /\.(js|wasm|json)$/.test(entry.name) ? [path] : [];
  });
}
