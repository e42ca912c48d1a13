import { CHECKPOINT_PATH, formatTlogProof, leafHash, parseCheckpoint, parseNote, TileReader, verifyInclusion, verifyTlogProof, type FetchFile } from '@strongroom/attestation-tlog';
import { logTrust, MAX_ENTRY_BYTES } from '@strongroom/control-plane-contract';
import { ExportFolder } from '../audit/export-folder.js';
import { parseLoggedEvent } from '../audit/logged-event.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { readBounded, writeNew } from '../files.js';
import { ApiClient } from '../http/api-client.js';
import { serverOf } from '../http/sessions.js';
import { stateFolder } from '../state-folder.js';
import { fields } from '../terminal/table.js';
import { resolveTrust, type TrustOptions } from '../trust/trust.js';
import { parseIndex, parseInstant } from './instant.js';
import type { CommonOptions } from './options.js';

export type ProofOptions = CommonOptions & { readonly out: string; readonly entry?: string; readonly export?: string };

/** Makes a `.tlog-proof` from the tiles of a log, and checks that it leads to the checkpoint; whether that is to be believed, `verify-proof` tells. */
export async function proofCommand(cli: Cli, indexText: string, options: ProofOptions): Promise<void> {
  const index = parseIndex(indexText);
  const { checkpoint, fetchFile } = await sourceOf(cli, options);
  const { size, rootHash } = parseCheckpoint(parseNote(checkpoint).text);
  if (index >= size) throw new CliError('usage', `the log has ${size} entries; the last has index ${size - 1n}`);
  const reader = new TileReader(fetchFile);
  const [entry, proof] = [await reader.entry(index, size), await reader.inclusionProof(index, size)];
  verifyInclusion({ index, size, leafHash: leafHash(entry), proof, rootHash });
  await writeNew(options.out, formatTlogProof({ index, proof, checkpoint }));
  if (options.entry !== undefined) await writeNew(options.entry, entry);
  const about = { index: String(index), size: String(size), proof: options.out, entry: options.entry ?? null };
  cli.print(options, about, () => fields([['index', index], ['log size', size], ['proof', options.out], ['entry', options.entry]]));
}

async function sourceOf(cli: Cli, options: ProofOptions): Promise<{ checkpoint: Uint8Array; fetchFile: FetchFile }> {
  if (options.export !== undefined) {
    const folder = await ExportFolder.open(options.export);
    return { checkpoint: await folder.checkpoint(), fetchFile: folder.fetchFile };
  }
  const api = new ApiClient({ server: await serverOf(options.server, cli.io.env, stateFolder(cli.io.env)) });
  const checkpoint = await api.file(`/log/${CHECKPOINT_PATH}`);
  if (checkpoint === undefined) throw new CliError('export-incomplete', 'the log has not published a checkpoint yet');
  return { checkpoint, fetchFile: (path) => api.file(`/log/${path}`) };
}

export type VerifyProofOptions = CommonOptions & TrustOptions & { readonly entry: string; readonly at?: string };

/** Verifies offline that the pinned log holds an entry. @throws TlogError */
export async function verifyProofCommand(cli: Cli, path: string, options: VerifyProofOptions): Promise<void> {
  const now = options.at === undefined ? cli.io.now() : parseInstant(options.at, '--at');
  const { anchors } = await resolveTrust(options, {}, stateFolder(cli.io.env), now);
  const { maxCosignatureAgeSeconds: _, ...trust } = logTrust(anchors.value);
  const entry = await readBounded(options.entry, MAX_ENTRY_BYTES);
  const { index, leafHash: leaf, checkpoint } = verifyTlogProof({ proof: await readBounded(path, 1 << 20), entry, ...trust, now });
  const about = {
    ok: true,
    index: String(index),
    leaf_hash: `sha256:${Buffer.from(leaf).toString('hex')}`,
    origin: anchors.value.log.origin,
    size: String(checkpoint.size),
    witnesses: checkpoint.cosignatures.length,
    event: eventOf(index, entry, anchors.value.log.origin),
  };
  cli.print(options, about, () => `VERIFIED: the log holds this entry\n${fields([['log', about.origin], ['index', about.index], ['log size', about.size], ['leaf hash', about.leaf_hash], ['witnesses', about.witnesses], ['event', about.event ?? undefined]])}`);
}

/** The log may hold entries this version does not know: inclusion is proven all the same. */
function eventOf(index: bigint, entry: Uint8Array, origin: string): string | null {
  try {
    return parseLoggedEvent(index, entry, origin).code;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
