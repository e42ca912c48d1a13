import { join } from 'node:path';
import { CliError } from '../errors.js';
import { jsonFile, readJson, writeWhole } from '../files.js';

/** What was pinned once, out of band: digests, and copies of the documents they name. */
export interface Pins {
  readonly genesis_digest?: string;
  readonly anchors_digest?: string;
  readonly genesis?: unknown;
  readonly anchors?: unknown;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** @throws CliError `usage` */
export function requireDigest(text: string, what: string): string {
  if (!DIGEST.test(text)) throw new CliError('usage', `${what} is given as sha256:<64 lowercase hex digits>`);
  return text;
}

export function pinsPath(state: string): string {
  return join(state, 'trust.json');
}

/** The pins kept by `strongroom trust pin`; none at all where nothing was pinned. @throws CliError `file-malformed` */
export async function readPins(state: string): Promise<Pins> {
  let value: unknown;
  try {
    value = await readJson(pinsPath(state));
  } catch (error) {
    if (error instanceof CliError && error.code === 'file-missing') return {};
    throw error;
  }
  if (typeof value !== 'object' || value === null) throw new CliError('file-malformed', `${pinsPath(state)} is malformed`);
  const { genesis_digest, anchors_digest } = value as Pins;
  for (const digest of [genesis_digest, anchors_digest]) {
    if (digest !== undefined && !DIGEST.test(digest)) throw new CliError('file-malformed', `${pinsPath(state)} is malformed`);
  }
  return value;
}

export async function writePins(state: string, pins: Pins): Promise<void> {
  await writeWhole(pinsPath(state), jsonFile(pins), 0o600);
}
