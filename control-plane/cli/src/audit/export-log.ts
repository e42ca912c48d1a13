import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalDigest, parseCanonicalJson, parseDsse } from '@strongroom/attestation-encoding';
import { CHECKPOINT_PATH } from '@strongroom/attestation-tlog';
import { httpApi, logStatementOf, toInstant } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import { jsonFile, writeNew } from '../files.js';
import type { ApiClient } from '../http/api-client.js';
import { shown } from '../terminal/text.js';
import { downloadLog } from './download-log.js';
import { EXPORT } from './export-folder.js';
import { claimedSize } from './verify-export.js';

export interface ExportSummary {
  readonly path: string;
  readonly size: string;
  readonly log_files: number;
  readonly documents: number;
  readonly requests: number;
  /** Nothing of an export is believed until it is verified. */
  readonly verified: false;
}

export interface ExportOptions {
  readonly out: string;
  /** Also the request, approvals and manifest behind each release; needs a session. */
  readonly documents: boolean;
  readonly now: Date;
}

/** A payload is at most a manifest's. */
const MAX_PAYLOAD_BYTES = 4 << 20;

/**
 * Downloads a log and what is needed to verify it offline: checkpoint, tiles, entry bundles, anchors, genesis, and the signed documents in
 * force. The folder must be new or empty. Proves nothing: that is `verifyExport`.
 *
 * @throws CliError `file-exists` | `server-*` | `export-incomplete`; TlogError `tile-missing` | `tile-malformed` | `bundle-malformed`
 */
export async function exportLog(api: ApiClient, options: ExportOptions): Promise<ExportSummary> {
  const { out } = options;
  await requireEmpty(out);
  const checkpoint = await api.file(`/log/${CHECKPOINT_PATH}`);
  if (checkpoint === undefined) throw new CliError('export-incomplete', 'the log has not published a checkpoint yet');
  const size = claimedSize(checkpoint);
  const writer = new FolderWriter(out);
  const releases = new ReleaseNames();
  const logFiles = await downloadLog((path) => api.file(`/log/${path}`), size, async (path, bytes) => {
    if (options.documents && path.startsWith('tile/entries/')) releases.read(bytes);
    await writer.write(join(EXPORT.log, path), bytes);
  });
  const documents = await exportDocuments(api, writer);
  const requests = options.documents ? await exportRequests(api, writer, releases) : 0;
  await writer.write(EXPORT.about, jsonFile({ type: 'strongroom/export/v1', server: api.server.origin, taken_at: toInstant(options.now), size: String(size), requests }));
  // The checkpoint last: a folder without one is no export, so a download that was cut off cannot pass for a whole one.
  await writer.write(join(EXPORT.log, CHECKPOINT_PATH), checkpoint);
  return { path: out, size: String(size), log_files: logFiles, documents, requests, verified: false };
}

async function exportDocuments(api: ApiClient, writer: FolderWriter): Promise<number> {
  const { anchors, genesis, roster, policy, enclaves } = await api.get('/v1/documents', httpApi.documentBundle);
  await writer.write(EXPORT.anchors, jsonFile(anchors));
  await writer.write(EXPORT.genesis, jsonFile(genesis));
  const named = [
    ...(roster === null ? [] : [{ kind: 'roster' as const, envelope: roster }]),
    ...(policy === null ? [] : [{ kind: 'policy' as const, envelope: policy }]),
    ...enclaves.map((envelope) => ({ kind: 'enclave' as const, envelope })),
  ];
  for (const { kind, envelope } of named) await writer.write(EXPORT.document(kind, claimedDigest(envelope)), jsonFile(envelope));
  return 2 + named.length;
}

async function exportRequests(api: ApiClient, writer: FolderWriter, releases: ReleaseNames): Promise<number> {
  for (const id of releases.requests) await writer.write(EXPORT.request(id), jsonFile(await api.get(`/v1/requests/${id}`, httpApi.requestView)));
  for (const id of releases.assets) {
    const { manifest } = await api.get(`/v1/assets/${id}`, httpApi.assetDetail);
    await writer.write(EXPORT.document('manifest', claimedDigest(manifest)), jsonFile(manifest));
  }
  return releases.requests.size;
}

/** Requests and assets that releases in the log name. The schema has bounded them to plain ids. */
class ReleaseNames {
  readonly requests = new Set<string>();
  readonly assets = new Set<string>();

  /** @param bundle an entry bundle: 16-bit lengths and entries. */
  read(bundle: Uint8Array): void {
    const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
    for (let at = 0; at + 2 <= bundle.length; at += 2 + view.getUint16(at)) this.#entry(bundle.subarray(at + 2, at + 2 + view.getUint16(at)));
  }

  #entry(entry: Uint8Array): void {
    if (Buffer.from(entry.buffer, entry.byteOffset, entry.length).indexOf('"strongroom/log/release/v1"') < 0) return;
    try {
      const statement = logStatementOf(entry);
      if (statement.type !== 'strongroom/log/release/v1') return;
      this.requests.add(statement.request_id);
      this.assets.add(statement.asset);
    } catch {
      // Verification reports what is wrong with it.
    }
  }
}

class FolderWriter {
  readonly #made = new Set<string>();

  constructor(private readonly out: string) {}

  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.out, name);
    const folder = dirname(path);
    if (!this.#made.has(folder)) {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      this.#made.add(folder);
    }
    await writeNew(path, content);
  }
}

/** For the file's name only; whoever reads it computes it again. */
function claimedDigest(envelope: unknown): string {
  try {
    return canonicalDigest(parseCanonicalJson(parseDsse(envelope, MAX_PAYLOAD_BYTES).payload, MAX_PAYLOAD_BYTES));
  } catch (cause) {
    throw new CliError('server-answer-malformed', 'a signed document of the server is malformed', { cause });
  }
}

async function requireEmpty(out: string): Promise<void> {
  const names = await readdir(out).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw new CliError('file-missing', `${shown(out)} cannot be used as a folder`, { cause: error });
  });
  if (names.length > 0) throw new CliError('file-exists', `${shown(out)} is not empty`, { remedy: 'name a new folder; exports are never written over' });
}
