import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, releaserRole, type TestDatabase } from '@strongroom/control-plane-postgres';
import { createWorld, POLICY_REVISION, type SignedWorld, type WorldOptions } from '@strongroom/tests-fixtures';
import { createDevelopmentKeyStore } from '../../src/keys/development-key-store.js';

export interface Installation {
  readonly folder: string;
  readonly configFile: string;
  readonly socket: string;
  readonly world: SignedWorld;
  readonly database: TestDatabase;
  /** Writes the configuration again with something changed. */
  writeConfig(change?: (config: Record<string, unknown>) => Record<string, unknown>): Promise<void>;
  remove(): Promise<void>;
}

/** A releaser's files, key store and database, as the genesis step leaves them: everything but a running program. */
export async function install(options: Omit<WorldOptions, 'keyService'>): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-releaser-'));
  const stateFolder = join(folder, 'state');
  await mkdir(stateFolder, { mode: 0o700 });
  const keyService = [...(await createDevelopmentKeyStore({ folder: join(stateFolder, 'keys'), enclaves: ['vault', 'annex'] }))];
  const world = await createWorld({ ...options, keyService });
  const database = await createTestDatabase();
  const connection = database.connectionFor(releaserRole);
  await writeFile(join(folder, 'anchors.json'), JSON.stringify(world.anchors.envelope));
  await writeFile(join(folder, 'genesis.json'), JSON.stringify(world.genesis.envelope));
  await writeFile(join(stateFolder, 'signing-key.pem'), world.keys.releaser.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  await writeFile(join(folder, 'password'), connection.password, { mode: 0o600 });
  const config = {
    profile: world.profile,
    state_folder: 'state',
    database: { host: connection.host, port: connection.port, user: connection.user, database: connection.database, password_file: 'password' },
    anchors: { file: 'anchors.json', digest: world.anchors.digest },
    genesis: { file: 'genesis.json', digest: world.genesis.digest },
    policy: { revision: POLICY_REVISION, digest: world.engine.policyDigest },
    key_service: { adapter: 'development' },
  };
  const configFile = join(folder, 'releaser.json');
  const writeConfig: Installation['writeConfig'] = (change = (value) => value) => writeFile(configFile, JSON.stringify(change(structuredClone(config))));
  await writeConfig();
  return {
    folder,
    configFile,
    socket: join(stateFolder, 'releaser.sock'),
    world,
    database,
    writeConfig,
    remove: async () => {
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
