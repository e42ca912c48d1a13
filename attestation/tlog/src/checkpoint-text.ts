import { hashFromBase64, toBase64 } from './base64.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';

/** What a checkpoint says. Not proven: `verifyCheckpoint` gives a `VerifiedCheckpoint`. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Opaque further lines. We write none; ML-DSA-44 cosignatures do not cover them. */
  readonly extensions: readonly string[];
}

/**
 * Reads a checkpoint's note text (shape only).
 * @param text the note text with its last newline, without the signatures.
 * @throws TlogError `checkpoint-malformed`
 * @see c2sp.org/tlog-checkpoint#note-text
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw new TlogError('checkpoint-malformed', 'the last line does not end');
  const lines = text.slice(0, -1).split('\n');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = lines;
  const size = parseDecimal(sizeText);
  const rootHash = hashFromBase64(rootText);
  if (lines.some((line) => line === '')) throw new TlogError('checkpoint-malformed', 'an empty line');
  if (size === undefined) throw new TlogError('checkpoint-malformed', 'the tree size is not a decimal number');
  if (rootHash === undefined) throw new TlogError('checkpoint-malformed', 'the root hash is not 32 bytes in base64');
  return { origin, size, rootHash, extensions };
}

/** Writes the note text of a checkpoint. @throws TlogError `checkpoint-malformed` */
export function formatCheckpoint(checkpoint: Omit<Checkpoint, 'extensions'> & Partial<Pick<Checkpoint, 'extensions'>>): string {
  const { origin, size, rootHash, extensions = [] } = checkpoint;
  const text = [origin, size.toString(), toBase64(rootHash), ...extensions].map((line) => `${line}\n`).join('');
  const read = parseCheckpoint(text);
  if (read.origin !== origin || read.extensions.length !== extensions.length) {
    throw new TlogError('checkpoint-malformed', 'a line break within a line');
  }
  return text;
}
