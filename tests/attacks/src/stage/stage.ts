import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaserRole, removePostgres, serverRole, startPostgres, type PostgresServer } from '@strongroom/control-plane-postgres';
import { createDevelopmentKeyStore, loadConfig, startReleaser, type RunningReleaser } from '@strongroom/control-plane-releaser';
import { activationResponse, createWorld, POLICY_REVISION, signRelease, type ReleaseOptions, type SignedRelease, type SignedWorld } from '@strongroom/tests-fixtures';
import type { ReleaserOperations } from '@strongroom/control-plane-contract';
import { ReleaserSocket } from './releaser-socket.js';

/** A clock that stands still until an attack moves it. */
export class StageClock {
  #at = Math.floor(Date.now() / 1000) * 1000;
  readonly now = (): Date => new Date(this.#at);
  advance(seconds: number): void {
    this.#at += seconds * 1000;
  }
}

export interface Scene {
  readonly world: SignedWorld;
  readonly clock: StageClock;
  readonly releaser: ReleaserSocket;
  /** An honest release, right in everything but what `options` change. */
  sign(options?: Partial<ReleaseOptions>): Promise<SignedRelease>;
  challenge(purpose: 'release' | 'renew'): Promise<string>;
  /** Releases, debited bytes and used nonces of the releaser: what a refusal must leave alone. */
  close(): Promise<void>;
}

/** A real PostgreSQL, on which each attack gets a real releaser, over its real socket, with an enrolled node. */
export class Stage {
  #scenes = 0;

  private constructor(
    readonly folder: string,
    private readonly postgres: PostgresServer,
  ) {}

  static async open(): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'strongroom-attacks-'));
    return new Stage(folder, await startPostgres({ home: join(folder, 'postgres') }));
  }

  /** A fresh installation: nothing an earlier attack did is left. */
  async scene(options: { readonly shardBytes?: readonly number[]; readonly change?: NonNullable<Parameters<typeof createWorld>[0]['change']> } = {}): Promise<Scene> {
    const number = ++this.#scenes;
    const clock = new StageClock();
    const folder = join(this.folder, `scene-${number}`);
    const state = join(folder, 'state');
    await mkdir(state, { recursive: true, mode: 0o700 });
    const keyService = [...(await createDevelopmentKeyStore({ folder: join(state, 'keys'), enclaves: ['vault', 'annex'] }))];
    const world = await createWorld({ ...options, seed: `attack ${number}`, now: clock.now, keyService });
    const running = await this.startReleaser(folder, world, clock, number);
    const releaser = new ReleaserSocket(join(state, 'releaser.sock'));
    const binding = await enrol(world, releaser);
    const challenge = async (purpose: 'release' | 'renew'): Promise<string> => (await releaser.call('challenge', { node: world.nodeId, purpose })).nonce;
    return {
      world,
      clock,
      releaser,
      challenge,
      sign: async (change = {}) => signRelease(world, { nonce: change.nonce ?? (await challenge('release')), binding, ...change }),
      close: () => running.close(),
    };
  }

  private async startReleaser(folder: string, world: SignedWorld, clock: StageClock, number: number): Promise<RunningReleaser> {
    const database = `attack_${number}`;
    await this.postgres.ensureRole(serverRole);
    await this.postgres.ensureRole(releaserRole);
    await this.postgres.ensureDatabase({ database, owner: serverRole });
    await this.postgres.ensureSchema({ database, schema: 'releaser', owner: releaserRole });
    const connection = this.postgres.connection({ role: releaserRole, database });
    await writeFile(join(folder, 'anchors.json'), JSON.stringify(world.anchors.envelope));
    await writeFile(join(folder, 'genesis.json'), JSON.stringify(world.genesis.envelope));
    await writeFile(join(folder, 'state', 'signing-key.pem'), world.keys.releaser.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
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
    const file = join(folder, 'releaser.json');
    await writeFile(file, JSON.stringify(config));
    return startReleaser(await loadConfig(file), { now: clock.now, log: () => undefined, reach: () => undefined });
  }

  async close(): Promise<void> {
    await this.postgres.stop();
    // Where root's database had to go elsewhere, that place goes too.
    await removePostgres(join(this.folder, 'postgres'));
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function enrol(world: SignedWorld, releaser: ReleaserSocket): Promise<ReleaserOperations['enrol-complete']['answer']['binding']> {
  const message = { tenant: world.tenant, node: world.nodeId, ak_name: world.node.akName, csr_digest: world.csrDigest, mtls_key_digest: world.mtlsKeyDigest };
  const begun = await releaser.call('enrol-begin', { registration: world.signRegistration() as never, endorsement: world.node.endorsement, mtls_key_digest: world.mtlsKeyDigest, csr_digest: world.csrDigest });
  const { binding } = await releaser.call('enrol-complete', { enrolment: begun.enrolment, response: activationResponse(world.node.open(begun.challenge), message) });
  return binding;
}
