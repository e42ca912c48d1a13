import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, releaserRole, serverRole, type TestDatabase } from '@strongroom/control-plane-postgres';
import { createDevelopmentKeyStore } from '@strongroom/control-plane-releaser';
import { POLICY_REVISION, type SignedWorld, type WorldOptions } from '@strongroom/tests-fixtures';
import { schema } from '../../src/domains.js';
import { createAuthority } from '../../src/platform/authority.js';
import { SystemClock } from '../../src/platform/clock.js';
import { Database } from '../../src/platform/database.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { createServerWorld } from './server-world.js';

export interface ServerInstallation {
  readonly folder: string;
  readonly logFolder: string;
  readonly world: SignedWorld;
  readonly test: TestDatabase;
  /** The server's configuration, as an object and as the file it stands in. */
  readonly file: Record<string, object | string>;
  readonly serverConfig: string;
  readonly releaserConfig: string;
  readonly socket: string;
  remove(): Promise<void>;
}

/** Everything a platform needs to start, as the genesis step leaves it: keys, anchors, database, configuration of server and releaser. */
export async function installServer(options: { readonly now: () => Date; readonly seed?: string; readonly capBytes?: number; readonly change?: WorldOptions['change'] }): Promise<ServerInstallation> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-platform-'));
  const path = (name: string): string => join(folder, name);
  mkdirSync(path('releaser'), { mode: 0o700 });
  const keyService = [...(await createDevelopmentKeyStore({ folder: path('releaser/keys'), enclaves: ['vault', 'annex'] }))];
  const world = await createServerWorld({ ...options, keyService });
  const test = await createTestDatabase({
    template: `server domains ${schema.migrations.map(({ name }) => name).join()}`,
    migrate: async (connection) => (await Database.open({ connection, schema, poolSize: 4, statementTimeoutMs: 60_000 })).close(),
  });
  const write = (name: string, content: unknown): void => {
    writeFileSync(path(name), typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  };
  write('anchors.json', world.anchors.envelope);
  write('genesis.json', world.genesis.envelope);
  write('log-key.pem', world.keys.log.export({ format: 'pem', type: 'pkcs8' }));
  write('ear-key.pem', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }));
  write('releaser/signing-key.pem', world.keys.releaser.export({ format: 'pem', type: 'pkcs8' }));
  write('server-database.json', connectionFile(test, serverRole));
  const authority = { certificateFile: path('ca/certificate.pem'), keyFile: path('ca/key.pem') };
  const clock = new SystemClock();
  await createAuthority(authority, { domain: world.anchors.value.domain, years: 1 }, clock, new SystemRandomness(clock));
  const socket = path('releaser/releaser.sock');
  const file = {
    profile: 'development',
    identity: { domain: world.anchors.value.domain, tenant: world.tenant },
    listeners: { peoplePort: 0, agentsPort: 0, requestsPerMinute: 1_000_000, failuresPerMinute: 100_000 },
    database: { connectionFile: path('server-database.json'), poolSize: 12 },
    authority,
    trust: { anchorsFile: path('anchors.json'), anchorsDigest: world.anchors.digest, genesisFile: path('genesis.json'), genesisDigest: world.genesis.digest },
    audit: { folder: path('log'), keyFile: path('log-key.pem'), pollMs: 20 },
    policies: { revision: POLICY_REVISION },
    keys: { releaserSocket: socket },
    appraisals: { keyFile: path('ear-key.pem') },
    logging: { level: 'silent' },
  };
  write('server.json', file);
  writeReleaser(write, world, test);
  return {
    folder, logFolder: path('log'), world, test, file, serverConfig: path('server.json'), releaserConfig: path('releaser.json'), socket,
    remove: async () => {
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeReleaser(write: (name: string, content: unknown) => void, world: SignedWorld, test: TestDatabase): void {
  const { password, ...connection } = test.connectionFor(releaserRole);
  write('releaser-password', password);
  write('releaser.json', {
    profile: world.profile,
    state_folder: 'releaser',
    database: { ...connection, password_file: 'releaser-password' },
    anchors: { file: 'anchors.json', digest: world.anchors.digest },
    genesis: { file: 'genesis.json', digest: world.genesis.digest },
    policy: { revision: POLICY_REVISION, digest: world.engine.policyDigest },
    key_service: { adapter: 'development' },
  });
}

function connectionFile(test: TestDatabase, role: string): object {
  const { host, port, user, password, database } = test.connectionFor(role);
  return { host, port, user, password, database };
}
