import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { generateModel } from '@strongroom/agent-sealing';
import {
  grantAccess,
  holdWeights,
  People,
  registerNode,
  sealAndRegister,
  startDevelopmentPlatform,
  type AccessWish,
  type DevelopmentNode,
  type DevelopmentPlatform,
  type HeldWeights,
  type PlatformOptions,
  type Ports,
  type RegisteredAsset,
} from '@strongroom/tools-development';
import { ensureBuilt } from './build.js';
import { freePorts } from './ports.js';

/** For a single step on a machine that others use too. */
export const PATIENCE_MS = 60_000;
/** For a suite's whole set-up. */
export const SETUP_MS = 240_000;

export const hasSwtpm = spawnSync('swtpm', ['--version']).status === 0;

type Evidence = NonNullable<PlatformOptions['evidence']>[number];

export interface StageOptions {
  readonly nodes?: readonly string[];
  readonly evidence: Evidence;
}

export interface Opened extends HeldWeights {
  readonly request: string;
}

/** A platform of its own: the compiled programs, in a folder under /tmp, on ports of its own. */
export class Stage {
  #platform: DevelopmentPlatform | undefined;
  #genesisDigest = '';

  private constructor(
    readonly folder: string,
    private readonly ports: Ports,
    private readonly options: StageOptions,
  ) {}

  static async open(options: StageOptions): Promise<Stage> {
    await ensureBuilt();
    const stage = new Stage(makeFolder(), await freePorts(), options);
    try {
      await stage.start();
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  get platform(): DevelopmentPlatform {
    if (this.#platform === undefined) throw new Error('the platform is not started');
    return this.#platform;
  }

  get home(): string {
    return join(this.folder, 'home');
  }

  get server(): string {
    return `http://localhost:${this.platform.ports.people}`;
  }

  /** As the founders learnt it, long before any log was shown. */
  get genesisDigest(): string {
    return this.#genesisDigest;
  }

  /** Everybody, in this process: for what the launcher's people are never asked. */
  get people(): People {
    const { home, installation, ports } = this.platform;
    return new People({ peopleFolder: home.people, founding: installation.founding, port: ports.people });
  }

  /** Starts the programs: on the home of the last time, if there was one. */
  async start(): Promise<DevelopmentPlatform> {
    const { nodes = ['a'], evidence } = this.options;
    this.#platform = await startDevelopmentPlatform({ home: this.home, ports: this.ports, nodes, evidence: [evidence] });
    if (this.#genesisDigest === '') this.#genesisDigest = this.#platform.installation.founding.genesisDigest;
    return this.#platform;
  }

  /** Ends the programs and leaves the home as it is. */
  async stop(): Promise<void> {
    await this.#platform?.stop();
    this.#platform = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.stop();
    } finally {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  node(name: string): DevelopmentNode {
    const found = this.platform.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  }

  /** A model made on the spot, the same for the same seed. @returns its folder */
  async model(seed: string, { shards = 2, totalBytes = 3 * 1024 * 1024 } = {}): Promise<string> {
    const folder = join(this.folder, `model-${seed}`);
    await generateModel({ folder, shards, totalBytes, seed });
    return folder;
  }

  /** Seals on a node and registers: both custodians sign. */
  seal(node: string, source: string): Promise<RegisteredAsset> {
    return sealAndRegister(this.platform, this.node(node), { source, name: 'Model under test' });
  }

  /** Has both registrars name the node's machine, starts its agent, and waits until it is attested. */
  async enlist(name: string): Promise<void> {
    const { agent } = this.node(name);
    await registerNode(this.platform, this.node(name));
    await agent.start();
    await agent.event('attested', { timeoutMs: PATIENCE_MS });
  }

  /** Asks for shards of an asset on a node, approved by both approvers. @returns the request's id */
  async grant(node: string, wish: Pick<AccessWish, 'asset' | 'shards'> & Partial<AccessWish>): Promise<string> {
    const { request } = await grantAccess(this.platform, { ...wish, node: this.node(node).id });
    if (request.state !== 'approved') throw new Error(`the request is ${request.state}`);
    return request.request.id;
  }

  /** The same, and waits until the node has taken and opened what was granted. */
  async open(node: string, wish: Pick<AccessWish, 'asset' | 'shards'> & Partial<AccessWish>): Promise<Opened> {
    const request = await this.grant(node, wish);
    return { request, ...(await holdWeights(this.node(node), request)) };
  }
}

/** Short, for sockets; and one the database's own account can pass through. */
function makeFolder(): string {
  const folder = mkdtempSync('/tmp/sr-e2e-');
  chmodSync(folder, 0o711);
  return folder;
}

/** A shard of a model made by {@link Stage.model}, in the clear. */
export function plaintextOf(model: string, shard: number, shards = 2): { readonly path: string; readonly bytes: Buffer } {
  const numbered = (n: number): string => String(n).padStart(5, '0');
  const path = shards === 1 ? 'model.safetensors' : `model-${numbered(shard + 1)}-of-${numbered(shards)}.safetensors`;
  return { path, bytes: readFileSync(join(model, path)) };
}
