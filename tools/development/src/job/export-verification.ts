import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_PATH, DiskLogStorage, verifyCheckpoint, verifyLogFolder, verifyTlogProof } from '@strongroom/attestation-tlog';
import { fromBase64url } from '@strongroom/attestation-encoding';
import { logStatementOf, logTrust, verifyGenesis, verifyPinnedAnchors, ContractError, type LogStatement } from '@strongroom/control-plane-contract';
import { DevelopmentError } from '../errors.js';
import { exportPage } from '../people/auditor.js';

export interface ExportVerification {
  readonly entries: number;
  readonly proofs: number;
  /** What of consequence the log says, with where. */
  readonly statements: readonly { readonly index: bigint; readonly statement: LogStatement }[];
}

const MAX_ENTRY_BYTES = 65_535;

/**
 * Verifies an export with nothing but the folder and two digests known beforehand: anchors, genesis as entry 0, the log's
 * signature, every tile and the root from the entries, and the proof of each exported entry.
 * @throws TlogError | ContractError; DevelopmentError `log-unproven`
 */
export async function verifyExport(folder: string, pinned: { readonly anchorsDigest: string; readonly genesisDigest: string }, now: Date): Promise<ExportVerification> {
  const anchors = verifyPinnedAnchors(readJson(join(folder, 'anchors.json')), pinned.anchorsDigest, now);
  const genesis = verifyGenesis(readJson(join(folder, 'genesis.json')), pinned.genesisDigest, anchors);
  const trust = logTrust(anchors.value);
  const log = new DiskLogStorage(join(folder, 'log'));
  const note = await log.read(CHECKPOINT_PATH);
  if (note === undefined) throw unproven('the export has no checkpoint');
  const checkpoint = verifyCheckpoint(note, trust);
  const entries = new Map<string, Uint8Array>();
  await verifyLogFolder((path) => log.read(path), checkpoint, { onEntry: ({ index, bytes }) => { entries.set(String(index), bytes); } });
  const first = statementOf(entries.get('0'));
  if (first?.type !== 'strongroom/log/genesis/v1' || first.genesis_digest !== genesis.digest) throw unproven('entry 0 is not the genesis that was pinned');
  const proven = exportedEntries(folder);
  for (const { index, entry, proof } of proven) {
    const bytes = fromBase64url(entry, MAX_ENTRY_BYTES);
    const verified = verifyTlogProof({ proof, entry: bytes, ...trust });
    const inLog = entries.get(index);
    if (String(verified.index) !== index || (inLog !== undefined && !Buffer.from(inLog).equals(bytes))) throw unproven(`the proof of entry ${index} is of another entry`);
  }
  const missing = [...entries.keys()].find((index) => !proven.some((exported) => exported.index === index));
  if (missing !== undefined) throw unproven(`entry ${missing} was left out of the export`);
  const statements = [...entries].flatMap(([index, bytes]) => {
    const statement = statementOf(bytes);
    return statement === undefined ? [] : [{ index: BigInt(index), statement }];
  });
  return { entries: entries.size, proofs: proven.length, statements };
}

function exportedEntries(folder: string): { index: string; entry: string; proof: string }[] {
  const pages = readdirSync(folder).filter((name) => /^export-\d+\.json$/.test(name));
  return pages.flatMap((name) => exportPage.parse(readJson(join(folder, name))).entries.map(({ index, entry, proof }) => ({ index, entry, proof })));
}

/** Most entries tell of everyday things and carry no statement. */
function statementOf(entry: Uint8Array | undefined): LogStatement | undefined {
  if (entry === undefined) return undefined;
  try {
    return logStatementOf(entry);
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
}

function readJson(path: string): unknown {
  if (!existsSync(path)) throw unproven(`${path} is missing from the export`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

function unproven(message: string): DevelopmentError {
  return new DevelopmentError('log-unproven', message);
}
