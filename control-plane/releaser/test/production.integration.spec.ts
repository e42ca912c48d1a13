import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { canonicalDigest, toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey, openFrom, shardKeyContext, wrapInfo, wrapShardKey, type NodeBinding, type SealedMessage, type ShardKeyContext, type TransportKeyPair } from '@strongroom/control-plane-contract';
import { createTestDatabase, releaserRole, type TestDatabase } from '@strongroom/control-plane-postgres';
import { createFakeTpm, createSoftwareNode, createWorld, DEVELOPMENT_AAGUID, Seed, signRelease, type ReleaseOptions, type SignedWorld } from '@strongroom/tests-fixtures';
import { uuidv7 } from 'uuidv7';
import type { ReleaserContext } from '../src/context.js';
import { storeBinding } from '../src/database/bindings.js';
import { Database } from '../src/database/database.js';
import type { KekName, KeyService } from '../src/keys/key-service.js';
import { giveChallenge } from '../src/operations/challenge.js';
import { beginEnrolment } from '../src/operations/enrolment.js';
import { releaseKeys } from '../src/operations/release.js';
import { revoke } from '../src/operations/revocation.js';
import { refusalOf } from '../src/refusal.js';
import { TestClock } from './support/running-releaser.js';

/** Behaves as a key service does, keeps count of what it gave, and fails on request. */
class FakeKeyService implements KeyService {
  readonly description = 'fake key service';
  unwrapped = 0;
  failing = false;

  private constructor(private readonly pair: TransportKeyPair) {}

  static async create(): Promise<FakeKeyService> {
    return new FakeKeyService(await generateTransportKey());
  }

  async publicKeys() {
    return [{ enclave: 'vault', kek: 'kek-1', public_key: this.pair.publicKey }];
  }

  async unwrap(wrapped: SealedMessage, context: ShardKeyContext, kek: KekName): Promise<Uint8Array> {
    if (this.failing) throw new Error('connection refused');
    this.unwrapped += 1;
    return openFrom(this.pair.privateKey, wrapped, wrapInfo(context, kek), new Uint8Array(0));
  }

  async close(): Promise<void> {
    this.failing = true;
  }
}

const clock = new TestClock();
let database: TestDatabase;
let tables: Database;
let keys: FakeKeyService;
let world: SignedWorld;
let context: ReleaserContext;

async function contextOf(node: SignedWorld['node'], seed: string): Promise<void> {
  database = await createTestDatabase();
  tables = Database.open(database.connectionFor(releaserRole));
  await tables.migrate();
  keys = await FakeKeyService.create();
  world = await createWorld({ profile: 'production', seed, now: clock.now, node, keyService: [...(await keys.publicKeys())] });
  context = {
    anchors: world.anchors,
    engine: world.engine,
    database: tables,
    keys,
    signingKey: world.keys.releaser,
    evidenceKinds: ['tpm2'],
    maxDecisionAgeSeconds: 60,
    now: clock.now,
    random: (size) => new Uint8Array(randomBytes(size)),
    newId: uuidv7,
    reach: () => undefined,
  };
}

/** Puts a binding in force as enrolment does; no fake TPM leads to a vendor's root, so the test vouches for it. */
async function bind(change: Partial<NodeBinding> = {}): Promise<ReturnType<SignedWorld['signBinding']>> {
  const envelope = world.signBinding((value) => ({ ...value, hardware: true, ...change }));
  const binding = JSON.parse(Buffer.from(envelope.payload, 'base64url').toString()) as NodeBinding;
  await tables.transaction((transaction) => storeBinding(transaction, binding, canonicalDigest(binding), envelope));
  return envelope;
}

async function codeOf(options: Partial<ReleaseOptions>): Promise<string> {
  const { nonce } = await giveChallenge(context, { node: world.nodeId, purpose: 'release' });
  const { body } = await signRelease(world, { nonce, ...options });
  return releaseKeys(context, body).then(
    () => 'answered',
    (error: unknown) => refusalOf(error).code,
  );
}

afterEach(async () => {
  await tables.close();
  await database.drop();
});

describe('in production', () => {
  let seeds = 0;
  beforeEach(async () => {
    seeds += 1;
    await contextOf(await createFakeTpm(), `production ${seeds}`);
  });

  it('releases to hardware, approved on certified authenticators, under a witnessed log', async () => {
    expect(await codeOf({ binding: await bind() })).toBe('answered');
    expect(keys.unwrapped).toBe(2);
  });

  it('refuses approvals made on a software authenticator', async () => {
    const binding = await bind();
    const roster = world.signRoster((value) => ({ ...value, people: value.people.map((person) => ({ ...person, credentials: person.credentials.map((credential) => ({ ...credential, aaguid: DEVELOPMENT_AAGUID })) })) }));
    expect(await codeOf({ binding, documents: { roster } as never })).toBe('release-policy-denied');
    expect(keys.unwrapped).toBe(0);
  });

  it('refuses a TPM that leads to no vendor, whatever the log says of it', async () => {
    expect(await codeOf({ binding: await bind({ hardware: false }) })).toBe('release-policy-denied');
    await bind({ version: 2, hardware: false });
    const binding = world.signBinding((value) => ({ ...value, version: 2, hardware: false }));
    expect(await codeOf({ binding, label: 'lie', change: { statement: (value) => ({ ...value, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), hardware: true } } }) } })).toBe('evidence-not-affirming');
    expect(keys.unwrapped).toBe(0);
  });

  it('refuses a log that is not witnessed, or was last witnessed too long ago', async () => {
    const binding = await bind();
    const unwitnessed = { unwitnessed: true };
    expect(await codeOf({ binding, manifestProof: unwitnessed, releaseProof: unwitnessed })).toBe('log-witnesses');
    const long = { witnessedAt: new Date(clock.now().getTime() - 61_000) };
    expect(await codeOf({ binding, manifestProof: long, releaseProof: long })).toBe('log-witnesses');
    expect(keys.unwrapped).toBe(0);
  });

  it('refuses a TPM whose clock is not safe', async () => {
    expect(await codeOf({ binding: await bind(), attest: { safe: 0 } })).toBe('evidence-not-affirming');
  });

  it('counts a release when the key service fails after it was marked, and serves the retry', async () => {
    const binding = await bind();
    const { nonce } = await giveChallenge(context, { node: world.nodeId, purpose: 'release' });
    const { body } = await signRelease(world, { nonce, binding });
    keys.failing = true;
    await expect(releaseKeys(context, body)).rejects.toMatchObject({ code: 'releaser-unavailable' });
    const { rows } = await tables.query<{ state: string }>('SELECT state FROM release JOIN ledger USING (release_id) WHERE release_id = $1', [body.release_id]);
    expect(rows).toEqual([{ state: 'unwrapping' }]);
    keys.failing = false;
    expect((await releaseKeys(context, body)).keys).toHaveLength(2);
  });

  it('lets no key leave that was revoked while it was being unwrapped', async () => {
    const binding = await bind();
    const { nonce } = await giveChallenge(context, { node: world.nodeId, purpose: 'release' });
    const { body } = await signRelease(world, { nonce, binding });
    const revoking: ReleaserContext = {
      ...context,
      keys: {
        description: keys.description,
        publicKeys: () => keys.publicKeys(),
        close: () => keys.close(),
        unwrap: async (...args) => {
          await revoke(context, { kind: 'node', id: world.nodeId, reason: 'test' });
          return keys.unwrap(...args);
        },
      },
    };
    await expect(releaseKeys(revoking, body)).rejects.toMatchObject({ code: 'release-revoked' });
    expect(keys.unwrapped).toBe(2);
  });

  it('zeroes the shard keys it handled, released or not', async () => {
    const binding = await bind();
    const handled: Uint8Array[] = [];
    const watching: ReleaserContext = {
      ...context,
      keys: {
        description: keys.description,
        publicKeys: () => keys.publicKeys(),
        close: () => keys.close(),
        unwrap: async (...args) => {
          const key = await keys.unwrap(...args);
          handled.push(key);
          return key;
        },
      },
    };
    const signed = async (label: string) => (await signRelease(world, { nonce: (await giveChallenge(context, { node: world.nodeId, purpose: 'release' })).nonce, binding, label })).body;
    await releaseKeys(watching, await signed('right'));
    // Wrapped for this very shard by somebody who may wrap: only the manifest's commitment tells it apart.
    const { manifest } = world.documents;
    const [kek] = await keys.publicKeys();
    const planted = await wrapShardKey(kek?.public_key ?? '', new Uint8Array(32).fill(5), shardKeyContext(manifest, 0), manifest.key_service);
    const wrong = await signed('wrong');
    const body = { ...wrong, wrapped_keys: wrong.wrapped_keys.map((entry) => (entry.shard === 0 ? { shard: 0, wrapped: planted } : entry)) };
    await expect(releaseKeys(watching, body)).rejects.toMatchObject({ code: 'release-wrapped-keys' });
    expect(handled).toHaveLength(3);
    for (const key of handled) expect(toBase64url(key)).toBe(toBase64url(new Uint8Array(32)));
  });
});

describe('in production, software', () => {
  it('neither enrols nor is released to', async () => {
    await contextOf(createSoftwareNode(new Seed('software').p256('node')), 'production software');
    const request = { registration: world.signRegistration() as never, endorsement: world.node.endorsement, mtls_key_digest: world.mtlsKeyDigest, csr_digest: world.csrDigest };
    await expect(beginEnrolment(context, request)).rejects.toMatchObject({ code: 'node-registration' });
    expect(await codeOf({ binding: await bind() })).toBe('release-policy-denied');
    expect(keys.unwrapped).toBe(0);
  });

});
