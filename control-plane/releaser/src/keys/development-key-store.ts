import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toBase64url } from '@strongroom/attestation-encoding';
import { importTransportKey, openFrom, wrapInfo, ContractError, type SealedMessage, type ShardKeyContext, type TransportPrivateKey } from '@strongroom/control-plane-contract';
import { ReleaserError } from '../errors.js';
import { readPrivateFile, privateFolderFault } from '../process/private-file.js';
import type { KekName, KekPublicKey, KeyService } from './key-service.js';

/** `+` is in no enclave or key name, so a file name reads one way only. */
const FILE = /^([a-z0-9][a-z0-9._-]{0,62})\+([a-z0-9][a-z0-9._-]{0,62})\.x25519$/;
const DEFAULT_KEK = 'kek-1';

export interface DevelopmentKeyStoreOptions {
  /** Made with mode 0700 when absent. */
  readonly folder: string;
  /** One key each, named `kek-1`. */
  readonly enclaves: readonly string[];
}

/**
 * Makes a key-encryption key for each enclave: a raw X25519 private key in a file of mode 0600. For the development profile alone.
 * An enclave that has its key already is an error: a second key would make everything wrapped to the first unreadable.
 *
 * @returns what the anchors' `key_service` must carry, in the order asked for.
 * @throws ReleaserError `key-store-exists` | `key-store-unusable`
 */
export async function createDevelopmentKeyStore({ folder, enclaves }: DevelopmentKeyStoreOptions): Promise<readonly KekPublicKey[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const made: KekPublicKey[] = [];
  for (const enclave of enclaves) {
    const name = { enclave, kek: DEFAULT_KEK };
    const key = new Uint8Array(randomBytes(32));
    try {
      await writeNew(join(folder, fileName(name)), key);
      made.push({ ...name, public_key: await publicKeyOf(await importTransportKey(key)) });
    } finally {
      key.fill(0);
    }
  }
  return made;
}

/**
 * Opens the development key store. Its keys lie on this machine's disk: who reads them needs no release, so it opens in the
 * development profile only.
 *
 * @throws ReleaserError `key-store-profile` | `key-store-unusable`
 */
export async function openDevelopmentKeyStore(options: { readonly folder: string; readonly profile: 'development' | 'production' }): Promise<KeyService> {
  if (options.profile !== 'development') throw new ReleaserError('key-store-profile', 'the development key store opens in the development profile only');
  const fault = await privateFolderFault(options.folder);
  if (fault !== undefined) throw new ReleaserError('key-store-unusable', `key store folder ${fault}`);
  const keys = new Map<string, { readonly name: KekName; readonly key: TransportPrivateKey }>();
  for (const file of await readdir(options.folder)) {
    const [, enclave, kek] = FILE.exec(file) ?? [];
    if (enclave === undefined || kek === undefined) continue;
    keys.set(keyId({ enclave, kek }), { name: { enclave, kek }, key: await readKey(join(options.folder, file)) });
  }
  if (keys.size === 0) throw new ReleaserError('key-store-unusable', 'the key store holds no key');
  return new DevelopmentKeyStore(keys);
}

class DevelopmentKeyStore implements KeyService {
  readonly description = 'development key store';

  constructor(private readonly keys: Map<string, { readonly name: KekName; readonly key: TransportPrivateKey }>) {}

  async publicKeys(): Promise<readonly KekPublicKey[]> {
    return Promise.all([...this.keys.values()].map(async ({ name, key }) => ({ ...name, public_key: await publicKeyOf(key) })));
  }

  async unwrap(wrapped: SealedMessage, context: ShardKeyContext, kek: KekName): Promise<Uint8Array> {
    const found = this.keys.get(keyId(kek));
    if (found === undefined) throw new ReleaserError('key-unknown', 'no such key-encryption key');
    let key: Uint8Array;
    try {
      key = await openFrom(found.key, wrapped, wrapInfo(context, { enclave: kek.enclave, kek: kek.kek }), new Uint8Array(0));
    } catch (cause) {
      if (!(cause instanceof ContractError)) throw cause;
      throw new ReleaserError('key-refused', 'the wrapped key was made for another shard, seal or key', { cause });
    }
    if (key.length === 32) return key;
    key.fill(0);
    throw new ReleaserError('key-refused', 'what was wrapped is not a shard key');
  }

  async close(): Promise<void> {
    this.keys.clear();
  }
}

function keyId({ enclave, kek }: KekName): string {
  return `${enclave}+${kek}`;
}

function fileName(name: KekName): string {
  const file = `${keyId(name)}.x25519`;
  if (!FILE.test(file)) throw new ReleaserError('key-store-unusable', 'an enclave is named by lowercase letters, digits, ".", "_" and "-"');
  return file;
}

async function readKey(path: string): Promise<TransportPrivateKey> {
  const raw = await readPrivateFile(path, 32);
  if (typeof raw === 'string') throw new ReleaserError('key-store-unusable', `key file ${raw}`);
  try {
    if (raw.length !== 32) throw new ReleaserError('key-store-unusable', 'a key file is not 32 bytes');
    return await importTransportKey(raw);
  } finally {
    raw.fill(0);
  }
}

async function publicKeyOf(key: TransportPrivateKey): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.exportKey('raw', key.publicKey)));
}

/** Durable before its public half is told to anybody. */
async function writeNew(path: string, key: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600).catch((cause: unknown) => {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new ReleaserError(exists ? 'key-store-exists' : 'key-store-unusable', exists ? 'this enclave has its key already' : 'the key store cannot be written', { cause });
  });
  try {
    await file.chmod(0o600);
    await file.writeFile(key);
    await file.sync();
  } finally {
    await file.close();
  }
}
