import { sign, type KeyObject } from 'node:crypto';
import { parseCheckpoint } from './checkpoint-text.js';
import { TlogError } from './errors.js';
import { formatSignatureLine, parseNote, type NoteSigner } from './note.js';
import { cosignedMessage, createVerifier, rawPublicKey, type NoteKeyType, type NoteVerifier } from './vkey.js';

/** Cosigns checkpoints with an Ed25519 key (type 0x04). One key serves one cosigner: its name is not signed. */
export interface Cosigner {
  readonly name: string;
  readonly keyId: number;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  /**
   * Cosigns the text of `checkpoint`. Whether that checkpoint may be cosigned is the caller's duty (`answerAddCheckpoint`).
   * @param checkpoint a whole checkpoint note; its signatures are not looked at.
   * @param timeSeconds seconds since the epoch.
   * @returns the signature line, without a newline.
   * @throws TlogError `checkpoint-malformed` | `note-malformed` | `options-invalid`
   */
  cosign(checkpoint: Uint8Array, timeSeconds: number): string;
}

export interface NoteKeyOptions {
  /** Key name; for a log, its origin. */
  readonly name: string;
  /** Ed25519 private key. */
  readonly privateKey: KeyObject;
}

/** @throws TlogError `key-unsuitable` */
export function createNoteSigner(options: NoteKeyOptions): NoteSigner {
  const verifier = verifierFor(options, 'ed25519');
  const { name, keyId, vkey } = verifier;
  return { name, keyId, vkey, verifier, sign: (text) => new Uint8Array(sign(null, text, options.privateKey)) };
}

/** @throws TlogError `key-unsuitable` */
export function createCosigner(options: NoteKeyOptions): Cosigner {
  const verifier = verifierFor(options, 'cosignature/v1');
  const { name, keyId, vkey } = verifier;
  return {
    name,
    keyId,
    vkey,
    verifier,
    cosign(checkpoint, timeSeconds) {
      if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0) throw new TlogError('options-invalid', 'time is whole seconds since the epoch');
      const { text } = parseNote(checkpoint);
      parseCheckpoint(text);
      const signature = Buffer.alloc(72);
      signature.writeBigUInt64BE(BigInt(timeSeconds));
      signature.set(sign(null, cosignedMessage(Buffer.from(text), timeSeconds), options.privateKey), 8);
      return formatSignatureLine(name, keyId, signature);
    },
  };
}

function verifierFor(options: NoteKeyOptions, type: NoteKeyType): NoteVerifier {
  if (options.privateKey.type !== 'private') throw new TlogError('key-unsuitable', 'signing needs the private key');
  return createVerifier(options.name, type, rawPublicKey(options.privateKey));
}
