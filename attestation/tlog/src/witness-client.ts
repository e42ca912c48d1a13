import { parseCheckpoint } from './checkpoint-text.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { openNote, parseNote, parseSignatureLines, type VerifiedSignature } from './note.js';
import type { NoteVerifier } from './vkey.js';
import { formatAddCheckpoint, type AddCheckpointRequest } from './witness-request.js';

export interface WitnessResponse {
  readonly status: number;
  readonly contentType?: string;
  /** At most 64 KiB are looked at; a transport should stop reading there. */
  readonly body: Uint8Array;
}

/** Sends `body` to `<submission prefix>/add-checkpoint`. Network failures throw; a status is an answer. */
export type PostToWitness = (body: Uint8Array) => Promise<WitnessResponse>;

export interface CosignatureRequest extends AddCheckpointRequest {
  readonly post: PostToWitness;
  readonly witness: NoteVerifier;
}

/** A "no" is a value. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly line: string; readonly timeSeconds: number }
  /** The witness last cosigned another size than `oldSize`: prove consistency from there, or stop if it is ahead of us. */
  | { readonly kind: 'conflict'; readonly size: bigint }
  | { readonly kind: 'unknown-log' }
  | { readonly kind: 'untrusted-signature' }
  /** The witness has seen another history of this log. This is an alarm, not a reason to try again. */
  | { readonly kind: 'inconsistent' }
  | { readonly kind: 'refused'; readonly status: number };

const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Asks one witness to cosign, and believes nothing but a cosignature that verifies under `witness` over this very checkpoint.
 *
 * @throws TlogError `witness-answer-malformed` | `witness-cosignature-invalid` | `options-invalid`; and whatever `post` throws
 * @see c2sp.org/tlog-witness#add-checkpoint
 */
export async function requestCosignature(request: CosignatureRequest): Promise<WitnessAnswer> {
  if (request.witness.type !== 'cosignature/v1') throw new TlogError('options-invalid', 'the key of a witness is of type cosignature/v1');
  const response = await request.post(formatAddCheckpoint(request));
  if (response.body.length > MAX_ANSWER_BYTES) throw new TlogError('witness-answer-malformed', 'the answer of a witness is too large');
  switch (response.status) {
    case 200:
      return readCosignature(request, response.body);
    case 403:
      return { kind: 'untrusted-signature' };
    case 404:
      return { kind: 'unknown-log' };
    case 409:
      return readConflict(request, response);
    case 422:
      return { kind: 'inconsistent' };
    default:
      return { kind: 'refused', status: response.status };
  }
}

export interface SubmissionOptions extends Omit<CosignatureRequest, 'proof'> {
  /** Between the size the witness has and the size of the checkpoint; `TileReader.consistencyProof` fits. */
  readonly consistencyProof: (oldSize: bigint, newSize: bigint) => Promise<readonly Uint8Array[]>;
}

/**
 * As `requestCosignature`, but makes the proof itself and, when the witness stands elsewhere than `oldSize`, asks once more from
 * there. A witness that is ahead of the checkpoint is given back as `conflict`: we have lost or forked our log, and must stop.
 */
export async function submitCheckpoint(options: SubmissionOptions): Promise<WitnessAnswer> {
  const { size } = parseCheckpoint(parseNote(options.checkpoint).text);
  const ask = async (oldSize: bigint): Promise<WitnessAnswer> =>
    requestCosignature({ ...options, oldSize, proof: await options.consistencyProof(oldSize, size) });
  const answer = await ask(options.oldSize);
  return answer.kind === 'conflict' && answer.size <= size ? ask(answer.size) : answer;
}

function readCosignature(request: CosignatureRequest, body: Uint8Array): WitnessAnswer {
  const cosignature = openAnswer(request, body);
  if (cosignature?.timeSeconds === undefined) {
    throw new TlogError('witness-cosignature-invalid', 'the witness answered without a cosignature by its key');
  }
  return { kind: 'cosigned', line: cosignature.line, timeSeconds: cosignature.timeSeconds };
}

function openAnswer({ checkpoint, witness }: CosignatureRequest, body: Uint8Array): VerifiedSignature | undefined {
  const { text } = parseNote(checkpoint);
  try {
    parseSignatureLines(Buffer.from(body).toString('utf8'));
    // Only the lines the witness sent: one that stood in our checkpoint before is no answer.
    const note = Buffer.concat([Buffer.from(`${text}\n`), body]);
    return openNote(note, [witness]).signatures[0];
  } catch (cause) {
    const isUnsigned = cause instanceof TlogError && (cause.code === 'note-unverified' || cause.code === 'note-signature-invalid');
    if (isUnsigned) throw new TlogError('witness-cosignature-invalid', 'no valid cosignature by this witness', { cause });
    throw new TlogError('witness-answer-malformed', 'the witness did not answer with signature lines', { cause });
  }
}

function readConflict(request: CosignatureRequest, response: WitnessResponse): WitnessAnswer {
  const [mediaType = ''] = (response.contentType ?? '').split(';');
  const text = Buffer.from(response.body).toString('latin1');
  const size = text.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : undefined;
  if (mediaType.trim().toLowerCase() !== 'text/x.tlog.size' || size === undefined) {
    throw new TlogError('witness-answer-malformed', 'a conflict without the size that the witness has');
  }
  // The size is what we said it is, so the disagreement is about the root (an older revision of the protocol answers so).
  return size === request.oldSize ? { kind: 'inconsistent' } : { kind: 'conflict', size };
}
