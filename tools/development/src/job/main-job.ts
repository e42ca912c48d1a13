import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { generateModel, readWeights, SealingError, type Weights } from '@strongroom/agent-sealing';
import { DevelopmentError } from '../errors.js';
import { mebibytes } from '../console/progress-bar.js';
import type { Steps } from '../console/step-printer.js';
import type { RegisteredAsset } from '../people/people.js';
import { registerNode, type DevelopmentPlatform } from '../platform/development-platform.js';
import type { DevelopmentNode } from '../platform/node.js';
import { verifyWithCli } from './cli-verification.js';
import { verifyExport } from './export-verification.js';
import { DEFAULT_WISH, holdWeights, seal, type HeldWeights } from './job-parts.js';

export const MAIN_JOB_STEPS = 12;

export interface MainJobOptions {
  /** A safetensors file or folder; absent, a model of 64 MiB in two shards is made on the spot. */
  readonly weights?: string | undefined;
}

export interface MainJobResult {
  readonly asset: string;
  readonly request: string;
  readonly exportFolder: string;
}

/**
 * The main job from weights to wiped weights, each step told as it happens. Nothing in it has a short cut: the people use the
 * production routes, the node its agent, and what the log says at the end is verified without asking anybody.
 * @throws DevelopmentError of the first step that does not hold
 */
export async function runMainJob(platform: DevelopmentPlatform, steps: Steps, options: MainJobOptions = {}): Promise<MainJobResult> {
  const [node] = platform.nodes;
  if (node === undefined) throw new DevelopmentError('step-failed', 'the platform has no node');
  const source = await steps.run('weights at hand', () => prepareWeights(platform, options.weights));
  const asset = await sealAsset(platform, node, steps, source);
  await enrolNode(platform, node, steps);
  const request = await grant(platform, node, steps, asset);
  const held = await releaseAndOpen(node, steps, asset, request);
  await renewAndRevoke(platform, node, steps, held, request);
  const exportFolder = await steps.run('log exported and verified offline', () => exportAndVerify(platform, asset, held));
  return { asset: asset.id, request, exportFolder };
}

async function prepareWeights({ home }: DevelopmentPlatform, given: string | undefined): Promise<{ value: string; detail: string }> {
  const source = given ?? (await generatedModel(join(home.weights, 'demonstration')));
  let weights: Weights;
  try {
    weights = await readWeights(source);
  } catch (cause) {
    if (!(cause instanceof SealingError)) throw cause;
    throw new DevelopmentError('weights-unusable', `${source} cannot be sealed: ${cause.message}; give a .safetensors file, or a folder with shards and their index`, { cause, reason: cause.code });
  }
  const what = given === undefined ? 'a generated model' : given;
  return { value: source, detail: `${what}: ${count(weights.shards.length, 'shard')}, ${weights.tensors.size} tensors, ${mebibytes(weights.totalBytes)}` };
}

async function generatedModel(folder: string): Promise<string> {
  if (!existsSync(join(folder, 'model.safetensors.index.json'))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await generateModel({ folder, shards: 2, totalBytes: 64 * 1024 * 1024, seed: 'demonstration' });
  }
  return folder;
}

async function sealAsset(platform: DevelopmentPlatform, node: DevelopmentNode, steps: Steps, source: string): Promise<RegisteredAsset> {
  const sealed = await steps.run('weights sealed by the node’s agent', async ({ progress }) => {
    const environments = [...new Set(platform.nodes.map(({ environment }) => environment))];
    const value = await seal(platform, node, { source, name: 'Demonstration model', environments, onProgress: progress('sealing') });
    return { value, detail: `${count(value.shards, 'shard')}, a key each, wrapped to the releaser’s key service` };
  });
  return steps.run('manifest signed by owner and security, asset registered', async () => {
    const value = await platform.people.call('registerAsset', sealed.folder);
    return { value, detail: `asset ${value.id}, manifest ${value.shortDigest}, log entry ${value.logIndex}` };
  });
}

async function enrolNode(platform: DevelopmentPlatform, node: DevelopmentNode, steps: Steps): Promise<void> {
  await steps.run('node registered by two registrars, enrolled', async () => {
    await registerNode(platform, node);
    await node.agent.start();
    const enrolled = await node.agent.event('enrolled');
    return { value: undefined, detail: `${node.name}, ${enrolled.spiffeId}` };
  });
  await steps.run('node attested', async () => {
    const attested = await node.agent.event('attested');
    if (attested.status !== 'affirming') throw new DevelopmentError('step-failed', `the verifier’s result is ${attested.status}: see ${platform.server.logFile}`);
    return { value: undefined, detail: `result ${attested.status}, environment ${attested.environment ?? 'none'}; evidence from ${describeSource(node)}` };
  });
}

/** Which source of evidence, and why not a better one. Software evidence proves a process, no machine: said wherever it is used. */
export function describeSource({ machine }: Pick<DevelopmentNode, 'machine'>): string {
  const { source, chosenNow, passedOver } = machine;
  const label = { hardware: 'the hardware TPM', swtpm: 'a software TPM (swtpm; no hardware claim)', software: 'software alone (no TPM; development only, no hardware claim)' }[source] ?? source;
  const why = passedOver.map((other) => `${other.source} passed over: ${firstSentence(other.reason)}`).join('; ');
  return `${label}${chosenNow ? '' : ', as enrolled before'}${why === '' ? '' : ` (${why})`}`;
}

function firstSentence(text: string): string {
  return text.split(/[.;]\s/, 1)[0] ?? text;
}

async function grant({ people }: DevelopmentPlatform, node: DevelopmentNode, steps: Steps, asset: RegisteredAsset): Promise<string> {
  const request = await steps.run('access requested', async () => {
    const value = await people.call('request', { ...DEFAULT_WISH, asset: asset.id, node: node.id, shards: asset.shards });
    const missing = value.missing.map((slot) => `${slot.count} ${slot.factor}`).join(', ');
    return { value, detail: `for ${value.request.purpose}, ${count(asset.shards.length, 'shard')}, digest ${value.short_digest}; still needed: ${missing}` };
  });
  const { id } = request.request;
  await steps.run('approved by two people, each with an authenticator', async () => {
    const owner = await people.call('approve', 'owner', id);
    const security = await people.call('approve', 'security', id);
    if (security.view.state !== 'approved') throw new DevelopmentError('step-failed', `the request is ${security.view.state} after both approvals`);
    return { value: undefined, detail: `owner saw ${owner.shortDigest}, security saw ${security.shortDigest}` };
  });
  return id;
}

async function releaseAndOpen(node: DevelopmentNode, steps: Steps, asset: RegisteredAsset, request: string): Promise<HeldWeights> {
  let held: Promise<HeldWeights> | undefined;
  const released = await steps.run('keys released to the node, after five proofs and a log entry', async () => {
    const value = await node.agent.event('released', { where: (event) => event.request === request, request });
    return { value, detail: `release ${value.release}, ${count(value.shards, 'key')}, log entry ${value.logIndex}, verified by the node` };
  });
  return steps.run('weights opened on the node', async ({ progress }) => {
    held = holdWeights(node, request, progress('opening'));
    const value = await held;
    if (value.opened.bytes !== asset.bytes || value.released.release !== released.release) throw new DevelopmentError('step-failed', `the node opened ${value.opened.bytes} bytes of ${asset.bytes}`);
    return { value, detail: `${mebibytes(value.opened.bytes)} served on a socket; every plaintext digest is the manifest’s` };
  });
}

async function renewAndRevoke({ people }: DevelopmentPlatform, node: DevelopmentNode, steps: Steps, held: HeldWeights, request: string): Promise<void> {
  const { release } = held.released;
  await steps.run('lease renewed on fresh evidence', async () => {
    const renewed = await node.agent.event('lease-renewed', { where: (event) => event.release === release });
    return { value: undefined, detail: `renewal ${renewed.sequence}, ${renewed.secondsLeft} s left` };
  });
  await steps.run('access revoked by one person, weights wiped', async () => {
    const revoked = await people.call('revoke', request, 'the demonstration is over');
    const wiped = await node.agent.event('wiped', { where: (event) => event.release === release });
    if (!wiped.acknowledged) throw new DevelopmentError('step-failed', 'the node wiped but could not say so to the control plane');
    if (existsSync(held.opened.socket)) throw new DevelopmentError('step-failed', 'the node says it wiped, and its socket is still there');
    const standing = (await people.call('releases', request)).find(({ id }) => id === release);
    if (standing?.state !== 'ended') throw new DevelopmentError('step-failed', `the control plane has the release as ${standing?.state ?? 'unknown'}`);
    return { value: undefined, detail: `log entry ${revoked.log_index}; the node ended it (${wiped.why}) and acknowledged` };
  });
}

async function exportAndVerify(platform: DevelopmentPlatform, asset: RegisteredAsset, held: HeldWeights): Promise<{ value: string; detail: string }> {
  const { home, people, installation } = platform;
  const folder = join(home.exports, `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')}-${held.released.release.slice(-12)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const exported = await people.call('exportLog', folder);
  const { entries, proofs, statements } = await verifyExport(folder, installation.founding, new Date());
  const manifest = statements.some(({ statement }) => statement.type === 'strongroom/log/manifest/v1' && statement.manifest_digest === asset.manifestDigest);
  const release = statements.some(({ statement }) => statement.type === 'strongroom/log/release/v1' && statement.release_id === held.released.release);
  if (!manifest || !release) throw new DevelopmentError('log-unproven', `the log does not tell of the ${manifest ? 'release' : 'manifest'}`);
  const second = await verifyWithCli(folder, installation.founding);
  return { value: folder, detail: `${entries} of ${exported.size} entries and the root recomputed, ${proofs} proofs, manifest and release among them${second}; in ${folder}` };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
