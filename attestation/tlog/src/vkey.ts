import { sha256 } from '@strongroom/attestation-encoding';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { fromBase64, toBase64 } from './base64.js';
import { TlogError } from './errors.js';

/** The signature types verified here. Everything else in a note is an unknown key, hence ignored. @see c2sp.org/signed-note#signature-types */
export type NoteKeyType = 'ed25519' | 'cosignature/v1';

export const TYPE_BYTE: Readonly<Record<NoteKeyType, number>> = { ed25519: 0x01, 'cosignature/v1': 0x04 };

/** A public key that can check one kind of note signature. */
export interface NoteVerifier {
  /** Key name as it stands in signature lines. */
  readonly name: string;
  /** Unsigned 32-bit key id. */
  readonly keyId: number;
  readonly type: NoteKeyType;
  readonly vkey: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * @param text the note text, up to and with its last newline.
   * @param signature without the key id.
   * @returns `undefined` if the signature does not hold; else what it states. `timeSeconds` is there for cosignatures only.
   */
  verify(text: Uint8Array, signature: Uint8Array): SignatureStatement | undefined;
}

export interface SignatureStatement {
  /** When the cosigner says it signed: seconds since the epoch. */
  readonly timeSeconds?: number;
}

const VKEY = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su;
// U+0085 and the other white space of Unicode, and the separator of vkeys.
const FORBIDDEN_IN_NAME = /[\p{White_Space}\p{Cc}+]/u;
const MAX_VKEY_LENGTH = 8192;

/** Non-empty, without Unicode spaces, control characters or `+`. @see c2sp.org/signed-note#format */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.length <= 1024 && name.isWellFormed() && !FORBIDDEN_IN_NAME.test(name);
}

/** The first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), big-endian. */
export function keyIdOf(name: string, type: NoteKeyType, publicKey: Uint8Array): number {
  return Buffer.from(sha256(`${name}\n`, Uint8Array.of(TYPE_BYTE[type]), publicKey)).readUInt32BE(0);
}

/**
 * Writes a verifier key, `<name>+<key id>+<base64 of type and key>`.
 * @throws TlogError `key-unsuitable`
 */
export function formatVkey(name: string, type: NoteKeyType, publicKey: Uint8Array): string {
  if (!isKeyName(name)) throw new TlogError('key-unsuitable', 'not a key name: empty, or with a space or plus');
  if (publicKey.length !== 32) throw new TlogError('key-unsuitable', 'an Ed25519 public key has 32 bytes');
  const keyId = keyIdOf(name, type, publicKey).toString(16).padStart(8, '0');
  return `${name}+${keyId}+${toBase64(Uint8Array.of(TYPE_BYTE[type], ...publicKey))}`;
}

/**
 * Reads a verifier key of type 0x01 (Ed25519) or 0x04 (timestamped Ed25519 cosignature).
 * @throws TlogError `vkey-malformed` | `vkey-algorithm` for any other type
 * @see c2sp.org/signed-note
 */
export function parseVkey(vkey: string): NoteVerifier {
  const parts = typeof vkey === 'string' && vkey.length <= MAX_VKEY_LENGTH ? VKEY.exec(vkey) : null;
  const [, name = '', keyIdHex = '', encoded = ''] = parts ?? [];
  const key = fromBase64(encoded);
  if (!isKeyName(name) || key === undefined || key.length < 2) throw new TlogError('vkey-malformed', 'not <name>+<key id>+<key>');
  const type = typeOf(key[0]);
  if (type === undefined) throw new TlogError('vkey-algorithm', 'a signature type this program does not verify');
  const publicKey = key.subarray(1);
  if (publicKey.length !== 32) throw new TlogError('vkey-malformed', 'an Ed25519 public key has 32 bytes');
  const keyId = keyIdOf(name, type, publicKey);
  if (keyId !== Number.parseInt(keyIdHex, 16)) throw new TlogError('vkey-malformed', 'key id does not belong to this name and key');
  return createVerifier(name, type, publicKey);
}

/** As `parseVkey`, from parts. @throws TlogError `key-unsuitable` */
export function createVerifier(name: string, type: NoteKeyType, publicKey: Uint8Array): NoteVerifier {
  const vkey = formatVkey(name, type, publicKey);
  const key = publicKeyOf(publicKey);
  return {
    name,
    keyId: keyIdOf(name, type, publicKey),
    type,
    vkey,
    publicKey: publicKey.slice(),
    verify: type === 'ed25519' ? (text, signature) => verifyPlain(key, text, signature) : (text, signature) => verifyTimed(key, text, signature),
  };
}

/** The message that a cosignature/v1 signs. @see c2sp.org/tlog-cosignature#ed25519-signed-message */
export function cosignedMessage(text: Uint8Array, timeSeconds: bigint | number): Uint8Array {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n`), text]);
}

/** @returns the raw 32 bytes of an Ed25519 key, public or private. @throws TlogError `key-unsuitable` */
export function rawPublicKey(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== 'ed25519') throw new TlogError('key-unsuitable', 'not an Ed25519 key');
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'));
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function typeOf(byte: number | undefined): NoteKeyType | undefined {
  if (byte === TYPE_BYTE.ed25519) return 'ed25519';
  return byte === TYPE_BYTE['cosignature/v1'] ? 'cosignature/v1' : undefined;
}

function verifyPlain(key: KeyObject, text: Uint8Array, signature: Uint8Array): SignatureStatement | undefined {
  return signature.length === 64 && verify(null, text, key, signature) ? {} : undefined;
}

function verifyTimed(key: KeyObject, text: Uint8Array, signature: Uint8Array): SignatureStatement | undefined {
  if (signature.length !== 72) return undefined;
  const time = Buffer.from(signature.subarray(0, 8)).readBigUInt64BE();
  // The standard allows up to 2^63 - 1; a time that a double cannot hold exactly is no time anybody signed at.
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return verify(null, cosignedMessage(text, time), key, signature.subarray(8)) ? { timeSeconds: Number(time) } : undefined;
}
