import { fromBase64, hashFromBase64, toBase64 } from './base64.js';
import { verifyCheckpoint, type CheckpointTrust, type VerifiedCheckpoint } from './checkpoint.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { leafHash, verifyInclusion } from './merkle.js';
import { MAX_NOTE_BYTES } from './note.js';

export interface TlogProof {
  readonly index: bigint;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint note, as it stands in the proof. */
  readonly checkpoint: Uint8Array;
  /** Not covered by any signature. */
  readonly extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const MAX_HASHES = 64;
const MAX_EXTRA_BYTES = 64 * 1024;
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES + 8192;

/** Writes a `.tlog-proof` file. @see c2sp.org/tlog-proof */
export function formatTlogProof(proof: TlogProof): string {
  const lines = [
    HEADER,
    ...(proof.extra === undefined ? [] : [`extra ${toBase64(proof.extra)}`]),
    `index ${proof.index}`,
    ...proof.proof.map(toBase64),
  ];
  const text = `${lines.join('\n')}\n\n${new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(proof.checkpoint)}`;
  parseTlogProof(text);
  return text;
}

/** Reads a `.tlog-proof` file; proves nothing. @throws TlogError `proof-malformed` */
export function parseTlogProof(input: string | Uint8Array): TlogProof {
  const text = decode(input);
  const end = text.indexOf('\n\n');
  if (end < 0) malformed('no empty line before the checkpoint');
  const [header, ...lines] = text.slice(0, end).split('\n', MAX_HASHES + 4);
  if (header !== HEADER) malformed(`does not begin with ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') === true ? readExtra(lines.shift() ?? '') : undefined;
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice(6)) : undefined;
  if (index === undefined) malformed('no index line');
  if (lines.length > MAX_HASHES) malformed('more hashes than any tree has levels');
  const proof = lines.map((line) => hashFromBase64(line) ?? malformed('a proof line is not a hash'));
  const checkpoint = new Uint8Array(Buffer.from(text.slice(end + 2)));
  return { index, proof, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

export interface TlogProofVerification extends CheckpointTrust {
  readonly proof: string | Uint8Array;
  /** The entry whose presence is to be proven, or its leaf hash when the entry is not at hand. */
  readonly entry: Uint8Array | { readonly leafHash: Uint8Array };
}

export interface ProvenEntry {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly checkpoint: VerifiedCheckpoint;
}

/**
 * Verifies that `entry` stands in the log, under a checkpoint that the log signed and the quorum cosigned.
 * The proof's extra data is not authenticated and not given back.
 *
 * @throws TlogError `proof-malformed` | `merkle-range` | `inclusion-invalid` | the codes of `verifyCheckpoint`
 */
export function verifyTlogProof(verification: TlogProofVerification): ProvenEntry {
  const { index, proof, checkpoint: note } = parseTlogProof(verification.proof);
  const checkpoint = verifyCheckpoint(note, verification);
  const { entry } = verification;
  const leaf = entry instanceof Uint8Array ? leafHash(entry) : entry.leafHash;
  verifyInclusion({ index, size: checkpoint.size, leafHash: leaf, proof, rootHash: checkpoint.rootHash });
  return { index, leafHash: leaf, checkpoint };
}

function readExtra(line: string): Uint8Array {
  const extra = fromBase64(line.slice(6));
  if (extra === undefined || extra.length > MAX_EXTRA_BYTES) malformed('extra data is not base64, or too long');
  return extra;
}

function decode(input: string | Uint8Array): string {
  if (input.length > MAX_PROOF_BYTES) malformed('too large');
  if (typeof input === 'string') return input;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch (cause) {
    throw new TlogError('proof-malformed', 'a proof is not UTF-8', { cause });
  }
}

function malformed(what: string): never {
  throw new TlogError('proof-malformed', `tlog-proof: ${what}`);
}
