import { fromBase64, toBase64 } from './base64.js';
import { TlogError } from './errors.js';
import { isKeyName, type NoteVerifier } from './vkey.js';

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the key id. */
  readonly signature: Uint8Array;
  /** The whole line as it stood, without its newline. */
  readonly line: string;
}

/** A signature that held, by a key that was given. */
export interface VerifiedSignature extends NoteSignature {
  readonly verifier: NoteVerifier;
  /** Cosignatures only: seconds since the epoch. */
  readonly timeSeconds?: number;
}

export interface OpenedNote {
  /** With its last newline. */
  readonly text: string;
  /** One for each known key that signed, in the order of first appearance. Of two cosignatures by one key, the later. */
  readonly signatures: readonly VerifiedSignature[];
  /** By keys nobody named to us: they prove nothing. */
  readonly unknown: readonly NoteSignature[];
}

/** Signs note texts with an Ed25519 key (type 0x01). */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  /** @returns the signature without the key id. */
  sign(text: Uint8Array): Uint8Array;
}

export interface ParsedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export const MAX_NOTE_BYTES = 1 << 20;
export const MAX_NOTE_SIGNATURES = 100;

const DASH = '\u2014 ';
// Everything below U+0020 but the newline.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

/** Splits a note without verifying anything. @throws TlogError `note-malformed` | `note-too-large` */
export function parseNote(note: Uint8Array): ParsedNote {
  const { text, lines } = splitNote(note);
  return { text, signatures: parseSignatureLines(lines) };
}

/** The text of a note and what follows the empty line, unread. @throws TlogError `note-malformed` | `note-too-large` */
export function splitNote(note: Uint8Array): { readonly text: string; readonly lines: string } {
  const message = decodeText(note);
  const end = message.lastIndexOf('\n\n');
  if (end < 0 || !message.endsWith('\n') || end + 2 >= message.length) {
    throw new TlogError('note-malformed', 'not a text, an empty line and signature lines');
  }
  return { text: message.slice(0, end + 1), lines: message.slice(end + 2) };
}

/** Reads signature lines, each ended by a newline. @throws TlogError `note-malformed` */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw new TlogError('note-malformed', 'a signature line does not end');
  const split = lines.slice(0, -1).split('\n', MAX_NOTE_SIGNATURES + 1);
  if (split.length > MAX_NOTE_SIGNATURES) throw new TlogError('note-malformed', `more than ${MAX_NOTE_SIGNATURES} signatures`);
  return split.map(parseSignatureLine);
}

/**
 * Opens a note: every signature by one of `verifiers` must hold, and there must be at least one.
 *
 * @param verifiers the keys that are known. Empty means that nothing can be verified, so: refused.
 * @throws TlogError `note-malformed` | `note-too-large` | `note-unverified` | `note-signature-invalid` | `note-key-ambiguous`
 * @see c2sp.org/signed-note
 */
export function openNote(note: Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const known = indexVerifiers(verifiers);
  const parsed = parseNote(note);
  const text = Buffer.from(parsed.text);
  const verified = new Map<string, VerifiedSignature>();
  const unknown = new Map<string, NoteSignature>();
  for (const signature of parsed.signatures) {
    const verifier = known.get(identityOf(signature));
    if (verifier === undefined) {
      unknown.set(signature.line, signature);
      continue;
    }
    const statement = verifier.verify(text, signature.signature);
    if (statement === undefined) throw new TlogError('note-signature-invalid', `the signature of ${verifier.name} does not hold`);
    const before = verified.get(verifier.vkey);
    if (before === undefined || (statement.timeSeconds ?? 0) > (before.timeSeconds ?? 0)) {
      verified.set(verifier.vkey, { ...signature, ...statement, verifier });
    }
  }
  if (verified.size === 0) throw new TlogError('note-unverified', 'no signature by a known key');
  return { text: parsed.text, signatures: [...verified.values()], unknown: [...unknown.values()] };
}

/**
 * Signs `text`, which must end in a newline and carry no control characters.
 * @throws TlogError `note-malformed`
 */
export function signNote(text: string, signers: readonly NoteSigner[]): Uint8Array {
  requireText(text);
  const bytes = Buffer.from(text);
  return assembleNote(text, signers.map((signer) => formatSignatureLine(signer.name, signer.keyId, signer.sign(bytes))));
}

/** Puts text and finished signature lines together, for keys that sign elsewhere. @throws TlogError `note-malformed` */
export function assembleNote(text: string, lines: readonly string[]): Uint8Array {
  requireText(text);
  if (lines.length === 0) throw new TlogError('note-malformed', 'a note has at least one signature');
  // One by one, for a "line" with line breaks in it could move the end of the text.
  lines.forEach(parseSignatureLine);
  const note = Buffer.from(`${text}\n${lines.map((line) => `${line}\n`).join('')}`);
  parseNote(note);
  return new Uint8Array(note);
}

/** Adds signature lines (without their newline) to a note; a line that is there already is not added again. @throws TlogError `note-malformed` */
export function appendSignatures(note: Uint8Array, lines: readonly string[]): Uint8Array {
  const { text, signatures } = parseNote(note);
  return assembleNote(text, [...new Set([...signatures.map((signature) => signature.line), ...lines])]);
}

/** `— <name> <base64 of key id and signature>`, without a newline. */
export function formatSignatureLine(name: string, keyId: number, signature: Uint8Array): string {
  const bytes = Buffer.alloc(4 + signature.length);
  bytes.writeUInt32BE(keyId);
  bytes.set(signature, 4);
  return `${DASH}${name} ${toBase64(bytes)}`;
}

function parseSignatureLine(line: string): NoteSignature {
  const [name = '', encoded = '', ...rest] = line.startsWith(DASH) ? line.slice(DASH.length).split(' ') : [];
  const bytes = fromBase64(encoded);
  if (rest.length > 0 || !isKeyName(name) || bytes === undefined || bytes.length < 5) {
    throw new TlogError('note-malformed', 'not a signature line');
  }
  return { name, keyId: Buffer.from(bytes).readUInt32BE(0), signature: bytes.subarray(4), line };
}

function decodeText(note: Uint8Array): string {
  if (note.length > MAX_NOTE_BYTES) throw new TlogError('note-too-large', `a note has at most ${MAX_NOTE_BYTES} bytes`);
  let message: string;
  try {
    message = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note);
  } catch (cause) {
    throw new TlogError('note-malformed', 'not UTF-8', { cause });
  }
  if (CONTROL.test(message)) throw new TlogError('note-malformed', 'control characters in a note');
  return message;
}

function requireText(text: string): void {
  if (!text.endsWith('\n') || CONTROL.test(text) || !text.isWellFormed()) {
    throw new TlogError('note-malformed', 'a note text ends in a newline and has no control characters');
  }
}

function indexVerifiers(verifiers: readonly NoteVerifier[]): Map<string, NoteVerifier> {
  const known = new Map<string, NoteVerifier>();
  for (const verifier of verifiers) {
    const before = known.get(identityOf(verifier));
    if (before !== undefined && before.vkey !== verifier.vkey) {
      throw new TlogError('note-key-ambiguous', 'two known keys share one name and key id');
    }
    known.set(identityOf(verifier), verifier);
  }
  return known;
}

function identityOf(key: { readonly name: string; readonly keyId: number }): string {
  return `${key.name}+${key.keyId}`;
}
