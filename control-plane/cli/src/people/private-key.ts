import { createPrivateKey, type KeyObject } from 'node:crypto';
import { CliError } from '../errors.js';
import { readPrivate } from '../files.js';
import { shown } from '../terminal/text.js';

/**
 * An Ed25519 key from a PKCS#8 PEM file that only its owner can read. The bytes read are zeroed.
 * @throws CliError `file-missing` | `file-malformed` | `file-too-open` | `key-unsuitable`
 */
export async function readEd25519Key(path: string): Promise<KeyObject> {
  const key = await readKey(path);
  if (key.asymmetricKeyType !== 'ed25519') throw new CliError('key-unsuitable', `${shown(path)} is not an Ed25519 key`);
  return key;
}

/** Any private key in PKCS#8 PEM. The parser's message is dropped: it may tell of the key. */
export async function readKey(path: string): Promise<KeyObject> {
  const bytes = await readPrivate(path);
  try {
    return createPrivateKey({ key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format: 'pem' });
  } catch {
    throw new CliError('key-unsuitable', `${shown(path)} is not a private key in PKCS#8 PEM`);
  } finally {
    bytes.fill(0);
  }
}
