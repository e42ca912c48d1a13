import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { canonicalJson } from '@strongroom/attestation-encoding';
import { toSignerKey, verifyGenesis, verifyPinnedAnchors, type Anchors, type Signed } from '@strongroom/control-plane-contract';
import { createPolicyEngine, loadBuiltBundle, type PolicyEngine } from '@strongroom/policies-engine';
import { uuidv7 } from 'uuidv7';
import type { ReleaserContext } from './context.js';
import { Database } from './database/database.js';
import { ReleaserError, type StartFault } from './errors.js';
import { serve } from './http-server.js';
import { openDevelopmentKeyStore } from './keys/development-key-store.js';
import type { KeyService } from './keys/key-service.js';
import { readPassword, type ReleaserConfig } from './process/config.js';
import type { CrashPoint } from './process/crash-points.js';
import type { Log } from './process/log.js';
import { privateFolderFault, readPrivateFile } from './process/private-file.js';

export interface RunningReleaser {
  readonly socket: string;
  close(): Promise<void>;
}

export interface Surroundings {
  readonly now: () => Date;
  readonly log: Log;
  readonly reach: (point: CrashPoint) => void;
}

const MAX_DOCUMENT_BYTES = 256 * 1024;

/**
 * Starts the releaser: everything it trusts is verified first, every fault is reported together, and only then the socket opens.
 * @throws ReleaserError `start-refused` with its faults | `database-migration`
 */
export async function startReleaser(config: ReleaserConfig, { now, log, reach }: Surroundings): Promise<RunningReleaser> {
  const faults = new Faults();
  await faults.add('state_folder', async () => {
    const fault = await privateFolderFault(config.stateFolder);
    if (fault !== undefined) throw new ReleaserError('start-refused', fault);
  });
  const anchors = await faults.add('anchors', () => loadAnchors(config, now()));
  if (anchors !== undefined) await faults.add('genesis', async () => verifyGenesis(await readJsonFile(config.genesis.file), config.genesis.digest, anchors));
  const engine = await faults.add('policy', async () => loadEngine(config));
  const signingKey = await faults.add('signing_key_file', () => loadSigningKey(config.signingKeyFile, anchors?.value));
  const keys = await faults.add('key_service', () => openKeyService(config, anchors?.value));
  const password = await faults.add('database.password_file', () => passwordOf(config));
  if (anchors === undefined || engine === undefined || signingKey === undefined || keys === undefined || password === undefined || faults.found.length > 0) {
    await keys?.close();
    throw faults.refusal();
  }
  const { passwordFile: _, ...connection } = config.database;
  const database = Database.open({ ...connection, password });
  try {
    await database.migrate();
    const context: ReleaserContext = {
      anchors,
      engine,
      database,
      keys,
      signingKey,
      evidenceKinds: config.evidenceKinds,
      maxDecisionAgeSeconds: config.maxDecisionAgeSeconds,
      now,
      random: (size) => new Uint8Array(randomBytes(size)),
      newId: uuidv7,
      reach,
    };
    const server = await serve(context, config.socket, log);
    log('notice', 'started', { name: config.name, profile: config.profile, key_service: keys.description, policy_digest: engine.policyDigest, anchors_digest: anchors.digest });
    return {
      socket: config.socket,
      close: async () => {
        await server.close();
        await keys.close();
        await database.close();
      },
    };
  } catch (error) {
    await keys.close();
    await database.close();
    throw error;
  }
}

async function loadAnchors(config: ReleaserConfig, now: Date): Promise<Signed<Anchors>> {
  const anchors = verifyPinnedAnchors(await readJsonFile(config.anchors.file), config.anchors.digest, now);
  if (anchors.value.profile !== config.profile) throw new ReleaserError('start-refused', 'the anchors are of another profile');
  return anchors;
}

function loadEngine({ profile, policy }: ReleaserConfig): PolicyEngine {
  const engine = createPolicyEngine({ ...loadBuiltBundle(profile, policy.folder), revision: policy.revision });
  if (engine.profile !== profile) throw new ReleaserError('start-refused', 'the policy data is of another profile');
  if (policy.digest !== undefined && engine.policyDigest !== policy.digest) throw new ReleaserError('start-refused', 'the policy bundle is not the one pinned');
  return engine;
}

async function loadSigningKey(file: string, anchors: Anchors | undefined): Promise<KeyObject> {
  const pem = await readPrivateFile(file, 4096);
  if (typeof pem === 'string') throw new ReleaserError('start-refused', pem);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pem.buffer, pem.byteOffset, pem.length), format: 'pem' });
  } catch {
    // Not kept as cause: what it says of a key's bytes is not for a log.
    throw new ReleaserError('start-refused', 'is not a PKCS #8 private key');
  } finally {
    pem.fill(0);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new ReleaserError('start-refused', 'is not an Ed25519 key');
  if (anchors !== undefined && canonicalJson(toSignerKey(createPublicKey(key))) !== canonicalJson(anchors.releaser)) throw new ReleaserError('start-refused', 'is not the releaser key of the anchors');
  return key;
}

async function openKeyService(config: ReleaserConfig, anchors: Anchors | undefined): Promise<KeyService> {
  const service = await openDevelopmentKeyStore({ folder: config.keyService.folder, profile: config.profile });
  const held = new Set((await service.publicKeys()).map((key) => canonicalJson({ ...key })));
  const missing = anchors?.key_service.filter((key) => !held.has(canonicalJson(key))) ?? [];
  if (missing.length === 0) return service;
  await service.close();
  throw new ReleaserError('start-refused', `the key service does not hold the anchors' key of ${missing.map(({ enclave, kek }) => `${enclave}/${kek}`).join(', ')}`);
}

async function passwordOf(config: ReleaserConfig): Promise<string> {
  const password = await readPassword(config.database.passwordFile);
  if (typeof password === 'string') return password;
  throw new ReleaserError('start-refused', password.message);
}

async function readJsonFile(file: string): Promise<unknown> {
  const bytes = await readFile(file);
  if (bytes.length > MAX_DOCUMENT_BYTES) throw new ReleaserError('start-refused', 'the file is too large');
  return JSON.parse(bytes.toString('utf8'));
}

/** Gathers what is wrong, so that an operator mends it once. */
class Faults {
  readonly found: StartFault[] = [];

  async add<T>(at: string, work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.found.push({ at, message: messageOf(error) });
      return undefined;
    }
  }

  refusal(): ReleaserError {
    return new ReleaserError('start-refused', this.found.map(({ at, message }) => `${at}: ${message}`).join('; '), { faults: this.found });
  }
}

function messageOf(error: unknown): string {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : 'failed';
  return name === 'SyntaxError' ? 'is not JSON' : typeof code === 'string' && name !== 'ReleaserError' ? `${code}: ${text}` : text;
}
