import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalDigest } from '@strongroom/attestation-encoding';
import { createNoteSigner } from '@strongroom/attestation-tlog';
import { ANCHORS, GENESIS, signStatement, toSignerKey, type Anchors, type Genesis } from '@strongroom/control-plane-contract';
import { createTestDatabase, serverRole, type TestDatabase } from '@strongroom/control-plane-postgres';
import { Audit1763800000000 } from '../../src/audit/1763800000000-audit.migration.js';
import { auditConfig } from '../../src/audit/audit.config.js';
import { createAuthority } from '../../src/platform/authority.js';
import { SystemClock, type Clock } from '../../src/platform/clock.js';
import { parseConfig, type Configuration } from '../../src/platform/config.js';
import { Database, type Schema } from '../../src/platform/database.js';
import { platformSections } from '../../src/platform/platform.config.js';
import { SystemRandomness } from '../../src/platform/randomness.js';

/** Platform and audit log alone: what stands on them has its own tests. */
const configSections = [...platformSections, auditConfig];
export const schema: Schema = { entities: [], migrations: [Audit1763800000000] };

/** A throw-away installation: its own keys, genesis, CA, database and log folder. */
export interface Installation {
  readonly folder: string;
  readonly file: Record<string, unknown>;
  readonly anchors: Anchors;
  readonly logKey: KeyObject;
  readonly test: TestDatabase;
  configuration(changes?: Record<string, object>, env?: Record<string, string>): Configuration;
  /** Another connection to the same database, as another process would have. */
  openDatabase(): Promise<Database>;
  remove(): Promise<void>;
}

export interface InstallationOptions {
  readonly profile?: 'development' | 'production';
  readonly witnesses?: { readonly quorum: number; readonly vkeys: readonly string[] };
  readonly clock?: Clock;
}

const at = (days: number) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19)}Z`;

export async function createInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-server-'));
  const path = (name: string) => join(folder, name);
  const logKey = generateKeyPairSync('ed25519').privateKey;
  writeFileSync(path('log-key.pem'), logKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const { anchors, digests } = writeTrust(folder, logKey, options);
  const authority = { certificateFile: path('ca/certificate.pem'), keyFile: path('ca/key.pem') };
  const clock = options.clock ?? new SystemClock();
  await createAuthority(authority, { domain: anchors.domain, years: 5 }, clock, new SystemRandomness(clock));
  const file = {
    profile: 'development',
    identity: { domain: anchors.domain, tenant: anchors.tenant },
    listeners: { peoplePort: 0, agentsPort: 0 },
    authority,
    trust: { anchorsFile: path('anchors.json'), genesisFile: path('genesis.json'), ...digests },
    audit: { folder: path('log'), keyFile: path('log-key.pem'), pollMs: 20 },
    logging: { level: 'silent' },
  };
  const test = await createTestDatabase({ template: `server ${schema.migrations.map((m) => m.name).join()}`, migrate: async (connection) => (await openDatabase(connection)).close() });
  return {
    folder,
    file,
    anchors,
    logKey,
    test,
    configuration: (changes = {}, env = {}) => parseConfig(configSections, merge(file, changes), env),
    openDatabase: () => openDatabase(test.connectionFor(serverRole)),
    remove: async () => {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function openDatabase(connection: ReturnType<TestDatabase['connectionFor']>): Promise<Database> {
  return Database.open({ connection, schema, poolSize: 12, statementTimeoutMs: 15_000 });
}

export function merge(file: Record<string, unknown>, changes: Record<string, object | string>): Record<string, unknown> {
  const merged = Object.entries(changes).map(([name, change]) => [name, typeof change === 'string' ? change : { ...(file[name] as object), ...change }]);
  return { ...file, ...(Object.fromEntries(merged) as object) };
}

function writeTrust(folder: string, logKey: KeyObject, { profile = 'development', witnesses }: InstallationOptions) {
  const signers = Array.from({ length: 4 }, () => generateKeyPairSync('ed25519'));
  const key = (index: number) => {
    const pair = signers[index];
    if (!pair) throw new RangeError('no such signer');
    return toSignerKey(pair.publicKey);
  };
  const origin = 'audit.test.example/dev/2026';
  const anchors: Anchors = {
    type: 'strongroom/anchors/v1', tenant: 'main', domain: 'test.example', profile, version: 1, issued_at: at(-1), expires_at: at(300),
    log: { origin, vkey: createNoteSigner({ name: origin, privateKey: logKey }).vkey },
    witnesses: { quorum: witnesses?.quorum ?? 0, vkeys: [...(witnesses?.vkeys ?? [])], max_age_seconds: 60 },
    roots: { keys: [key(0), key(1)], threshold: 2 },
    policy_signers: { keys: [key(2), key(3)], threshold: 2 },
    registrars: { keys: [key(2), key(3)], threshold: 2 },
    manifest_signers: { owner: [key(2)], security: [key(3)] },
    releaser: key(0),
    key_service: [{ enclave: 'vault', kek: 'k1', public_key: Buffer.alloc(32, 1).toString('base64url') }],
    approval: { rp_id: 'approve.localhost', origins: ['http://approve.localhost:7080'] },
  };
  const genesis: Genesis = {
    type: 'strongroom/genesis/v1', tenant: anchors.tenant, domain: anchors.domain, profile, log_origin: origin,
    anchors_digest: canonicalDigest(anchors), created_at: at(-1),
  };
  const roots = signers.slice(0, 2).map(({ privateKey }) => privateKey);
  const anchorsEnvelope = signStatement(ANCHORS, anchors, roots);
  const genesisEnvelope = signStatement(GENESIS, genesis, roots);
  writeFileSync(join(folder, 'anchors.json'), JSON.stringify(anchorsEnvelope));
  writeFileSync(join(folder, 'genesis.json'), JSON.stringify(genesisEnvelope));
  return { anchors, digests: { anchorsDigest: canonicalDigest(anchors), genesisDigest: canonicalDigest(genesis) } };
}
