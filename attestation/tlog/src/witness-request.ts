import { hashFromBase64, toBase64 } from './base64.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { MAX_NOTE_BYTES } from './note.js';

/** The body of `POST <prefix>/add-checkpoint`. @see c2sp.org/tlog-witness#add-checkpoint */
export interface AddCheckpointRequest {
  readonly oldSize: bigint;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint note. */
  readonly checkpoint: Uint8Array;
}

const MAX_PROOF_LINES = 63;

export function formatAddCheckpoint(request: AddCheckpointRequest): Uint8Array {
  const lines = [`old ${request.oldSize}`, ...request.proof.map(toBase64)];
  return new Uint8Array(Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`), request.checkpoint]));
}

/** @throws TlogError `proof-malformed` */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpointRequest {
  if (body.length > MAX_NOTE_BYTES + 8192) throw new TlogError('proof-malformed', 'add-checkpoint: too large');
  const bytes = Buffer.from(body);
  const end = bytes.indexOf('\n\n');
  const [first = '', ...lines] = bytes.toString('latin1', 0, Math.max(end, 0)).split('\n', MAX_PROOF_LINES + 2);
  const oldSize = first.startsWith('old ') ? parseDecimal(first.slice(4)) : undefined;
  if (oldSize === undefined || lines.length > MAX_PROOF_LINES) throw new TlogError('proof-malformed', 'add-checkpoint: no old size, or too many hashes');
  const proof = lines.map((line) => {
    const hash = hashFromBase64(line);
    if (hash === undefined) throw new TlogError('proof-malformed', 'add-checkpoint: a proof line is not a hash');
    return hash;
  });
  return { oldSize, proof, checkpoint: new Uint8Array(bytes.subarray(end + 2)) };
}
