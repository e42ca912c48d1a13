import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createDurably, readIfPresent } from '../durable-file.js';
import { CollectorError } from '../errors.js';

/** The development profile's stand-in for an attestation key. It lies in a file: it proves possession, never hardware. */
export interface SoftwareKey {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  /** `000b` ‖ SHA-256 of the SubjectPublicKeyInfo, lowercase hex: of the same form as a TPM name with SHA-256. */
  readonly name: string;
}

const FILE = 'software-attestation-key.der';

/**
 * Reads the key of this state folder, or makes it: P-256, PKCS #8 DER in a file of mode 0600. Two programs that start at
 * once end up with the same key.
 *
 * @throws CollectorError `software-key-malformed` when the file is not such a key or others may read it; it is never replaced.
 */
export async function loadSoftwareKey(stateFolder: string): Promise<SoftwareKey> {
  const path = join(stateFolder, FILE);
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const bytes = (await readIfPresent(path)) ?? (await create(path));
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw malformed(`${path} may be read by others; make it 0600, or remove it to enrol anew`);
    return softwareKeyFrom(parse(bytes, path));
  } finally {
    bytes.fill(0);
  }
}

/** Takes a key apart into what the collector needs. */
export function softwareKeyFrom(privateKey: KeyObject): SoftwareKey {
  const publicKeyInfo = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  return { privateKey, publicKeyInfo, name: `000b${createHash('sha256').update(publicKeyInfo).digest('hex')}` };
}

async function create(path: string): Promise<Buffer> {
  const bytes = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' });
  if (await createDurably(path, bytes)) return bytes;
  bytes.fill(0); // another program was first: its key it is
  return readFile(path);
}

function parse(bytes: Buffer, path: string): KeyObject {
  try {
    const key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // told below; the cause could quote the file
  }
  throw malformed(`${path} is not a P-256 private key; remove it to enrol anew`);
}

function malformed(message: string): CollectorError {
  return new CollectorError('software-key-malformed', message);
}
