import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SignedWorld } from '@strongroom/tests-fixtures';
import { People } from './people.js';
import { installServer, type ServerInstallation } from './server-installation.js';
import type { Listener } from './test-node.js';

const projects = join(import.meta.dirname, '../../..');

/** A program of ours, from its sources, as an operator starts it. */
class Program {
  readonly ended: Promise<NodeJS.Signals | number | null>;
  #errors = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => { resolve(signal ?? code); }));
  }

  /** @returns the program and the first line it printed. @throws when it ends before that */
  static async start(project: string, args: readonly string[], crashAt: string | undefined): Promise<{ program: Program; line: string }> {
    const { NODE_OPTIONS: _, ...environment } = process.env;
    const options = ['--no-warnings', '--conditions=strongroom-source', '--import', join(import.meta.dirname, 'typescript.mjs')];
    const child = spawn(process.execPath, [...options, join(projects, project, 'src/main.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment, ...(crashAt === undefined ? {} : { STRONGROOM_CRASH_AT: crashAt }) },
    });
    const program = new Program(child);
    const first = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const line = await Promise.race([first, program.ended.then((how) => Promise.reject(new Error(`${project} ended with ${String(how)} before it was ready: ${program.#errors}`)))]);
    return { program, line };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

/** Server and releaser as two processes that can be killed, with real time, a real database and a log on disk. */
export class PlatformProcesses extends People {
  #server: Program | undefined;
  #releaser: Program | undefined;
  #ports = { people: 0, agents: 0 };

  private constructor(readonly installation: ServerInstallation) {
    super();
  }

  static async install(): Promise<PlatformProcesses> {
    return new PlatformProcesses(await installServer({ now: () => new Date() }));
  }

  override get world(): SignedWorld {
    return this.installation.world;
  }

  protected override get peoplePort(): number {
    return this.#ports.people;
  }

  override get agents(): Listener {
    return { port: this.#ports.agents, ca: readFileSync(join(this.installation.folder, 'ca/certificate.pem'), 'utf8') };
  }

  async startServer(crashAt?: string): Promise<void> {
    const { program, line } = await Program.start('server', [this.installation.serverConfig], crashAt);
    this.#server = program;
    const [people, agents] = [...line.matchAll(/:(\d+)/g)].map((match) => Number(match[1]));
    this.#ports = { people: people ?? 0, agents: agents ?? 0 };
  }

  async startReleaser(crashAt?: string): Promise<void> {
    this.#releaser = (await Program.start('releaser', ['--config', this.installation.releaserConfig], crashAt)).program;
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop();
  }

  async stopReleaser(): Promise<void> {
    await this.#releaser?.stop();
  }

  /** How the program ended: it must be on its way already. */
  async serverEnd(): Promise<unknown> {
    return this.#server?.ended;
  }

  async releaserEnd(): Promise<unknown> {
    return this.#releaser?.ended;
  }

  async remove(): Promise<void> {
    await Promise.all([this.#server?.stop('SIGKILL'), this.#releaser?.stop('SIGKILL')]);
    await this.installation.remove();
  }
}
