import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createDurably, readIfPresent } from './durable-file.js';
import { CollectorError } from './errors.js';
import { prepareSwtpm } from './swtpm/prepare.js';
import { startSwtpm } from './swtpm/start.js';
import { findTool } from './swtpm/tools.js';
import type { ToolEnvironment } from './swtpm/tools.js';
import { isTpm2 } from './tpm/capability.js';
import { Tpm } from './tpm/command.js';
import { openDeviceTransport } from './tpm/device-transport.js';
import type { DeviceTransportOptions } from './tpm/device-transport.js';
import { certifiedProfiles } from './tpm/endorsement-key.js';

/** Where a node's evidence comes from. `swtpm` is a real TPM implementation with nothing behind it; `software` not even that. */
export type EvidenceSource = 'hardware' | 'swtpm' | 'software';

const PREFERENCE: readonly EvidenceSource[] = ['hardware', 'swtpm', 'software'];

export interface ProbeOptions {
  /** The file the choice is kept in, in the node's state folder. */
  readonly stateFile: string;
  /** What the profile lets a node use. Empty is refused; production names `hardware` alone. */
  readonly allowed: readonly EvidenceSource[];
  /** Its PATH is where swtpm's tools are looked for. */
  readonly env: ToolEnvironment;
  readonly device?: DeviceTransportOptions;
  /** Where swtpm is tried out; default the system's folder for temporary files. */
  readonly scratchFolder?: string;
}

export interface ProbeResult {
  readonly source: EvidenceSource;
  /** False when the choice had been made before. */
  readonly chosenNow: boolean;
  /** Why better sources were passed over; empty when the choice had been made before. For the log. */
  readonly passedOver: readonly { readonly source: EvidenceSource; readonly reason: string }[];
}

/**
 * Chooses where evidence comes from, at the first start: the best source that is allowed and really works. The choice is
 * on disk before this returns and never changes afterwards: a node whose TPM went away must not quietly become another.
 *
 * @throws CollectorError `evidence-source-unavailable` when the chosen source is gone or no longer allowed, or nothing allowed works;
 *   `evidence-source-invalid` when the file holds something else or nothing is allowed.
 */
export async function probeTpm(options: ProbeOptions): Promise<ProbeResult> {
  requireAllowed(options.allowed);
  const stored = await readIfPresent(options.stateFile);
  if (stored !== undefined) return confirm(parseSource(stored, options.stateFile), options);
  const passedOver: { source: EvidenceSource; reason: string }[] = [];
  for (const source of PREFERENCE.filter((candidate) => options.allowed.includes(candidate))) {
    const reason = await reasonAgainst(source, options, 'first');
    if (reason === undefined) return keep(source, options, passedOver);
    passedOver.push({ source, reason });
  }
  const reasons = passedOver.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
  throw new CollectorError('evidence-source-unavailable', `no allowed source of evidence works here. ${reasons}`);
}

function requireAllowed(allowed: readonly EvidenceSource[]): void {
  const known = Array.isArray(allowed) && allowed.length > 0 && (allowed as readonly EvidenceSource[]).every((source) => PREFERENCE.includes(source));
  if (!known) throw new CollectorError('evidence-source-invalid', `allowed sources must be some of ${PREFERENCE.join(', ')}`);
}

async function keep(source: EvidenceSource, options: ProbeOptions, passedOver: ProbeResult['passedOver']): Promise<ProbeResult> {
  await mkdir(dirname(options.stateFile), { recursive: true, mode: 0o700 });
  const written = await createDurably(options.stateFile, Buffer.from(`${JSON.stringify({ v: 1, source })}\n`, 'utf8'));
  if (!written) return probeTpm(options); // another program chose first: its choice stands
  return { source, chosenNow: true, passedOver };
}

async function confirm(source: EvidenceSource, options: ProbeOptions): Promise<ProbeResult> {
  const reason = options.allowed.includes(source) ? await reasonAgainst(source, options, 'again') : 'this profile no longer allows it';
  if (reason === undefined) return { source, chosenNow: false, passedOver: [] };
  throw new CollectorError(
    'evidence-source-unavailable',
    `this node was enrolled with ${source} evidence, which cannot be had now: ${reason}. Restore it, or remove ${dirname(options.stateFile)} to enrol anew as another node.`,
  );
}

function parseSource(bytes: Buffer, path: string): EvidenceSource {
  try {
    const value: unknown = bytes.length <= 256 ? JSON.parse(bytes.toString('utf8')) : undefined;
    if (typeof value === 'object' && value !== null && 'v' in value && value.v === 1 && 'source' in value) {
      const source = PREFERENCE.find((known) => known === value.source);
      if (source !== undefined) return source;
    }
  } catch {
    // told below
  }
  throw new CollectorError('evidence-source-invalid', `${path} does not say where evidence comes from; restore it, or remove ${dirname(path)} to enrol anew as another node`);
}

/** Why a source cannot be used, or undefined when it was tried and works. */
async function reasonAgainst(source: EvidenceSource, options: ProbeOptions, time: 'first' | 'again'): Promise<string | undefined> {
  try {
    if (source === 'hardware') await tryHardware(options.device ?? {});
    if (source === 'swtpm') await trySwtpm(options, time);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function tryHardware(device: DeviceTransportOptions): Promise<void> {
  const transport = await openDeviceTransport(device);
  try {
    const tpm = new Tpm(transport);
    if (!(await isTpm2(tpm))) throw new Error('the device is no TPM 2.0');
    if ((await certifiedProfiles(tpm)).length === 0) throw new Error('the TPM has no endorsement certificate');
  } finally {
    await transport.close();
  }
}

/** In a scratch folder, to the first answer. The second time its tools alone are asked for: opening it will tell the rest. */
async function trySwtpm(options: ProbeOptions, time: 'first' | 'again'): Promise<void> {
  if (time === 'again') {
    await findTool('swtpm', options.env);
    return;
  }
  const scratch = await mkdtemp(join(options.scratchFolder ?? tmpdir(), 'strongroom-swtpm-'));
  try {
    const { stateFolder } = await prepareSwtpm({ stateFolder: join(scratch, 'state'), env: options.env });
    await (await startSwtpm({ stateFolder, env: options.env })).stop();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
