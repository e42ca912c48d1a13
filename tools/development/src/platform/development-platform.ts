import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres, PostgresError, releaserRole, serverRole, type PostgresServer } from '@strongroom/control-plane-postgres';
import { CHECKPOINT_PATH, DiskLogStorage } from '@strongroom/attestation-tlog';
import { uuidv7 } from 'uuidv7';
import { bundleContent } from '../documents/policy-bundle.js';
import { referenceEnvironment } from '../documents/environment.js';
import { DevelopmentError } from '../errors.js';
import { ENCLAVE, makePlatformKeys } from '../genesis/platform-keys.js';
import { openHome, type Home } from '../home/home.js';
import { lockHome, type HomeLock } from '../home/home-lock.js';
import { writePrivateFile } from '../home/private-file.js';
import { openRuntimeFolder } from '../home/runtime-folder.js';
import { readState, writeState, type LauncherState } from '../home/state.js';
import type { AssetView, Standing } from '../people/people.js';
import { RemotePeople } from '../people/remote-people.js';
import { scriptOf } from '../programs/entry-points.js';
import { Guardian } from '../programs/guardian.js';
import { Program } from '../programs/program.js';
import { writeReleaserConfiguration, writeServerConfiguration, writeTrust, type Installation, type NodePlace } from './configuration.js';
import { DevelopmentNode } from './node.js';
import { readFounding, writeFounding } from './pinned.js';
import { claimPorts, type Ports } from './ports.js';

const DATABASE = 'strongroom';
const RELEASER_SCHEMA = 'releaser';

export interface PlatformOptions {
  /** Folder of everything that lasts. */
  readonly home: string;
  /** 0 takes a free port. */
  readonly ports: Ports;
  /** Names of the nodes; default one, `node-1`. */
  readonly nodes?: readonly string[];
  /** What may vouch for the nodes, best first; default a development TPM, else software. */
  readonly evidence?: NodePlace['evidence'];
  /** Environment of the programs besides what every program gets: crash points, a PATH without swtpm. */
  readonly environment?: Readonly<Partial<Record<'server' | 'releaser' | 'agent', Readonly<Record<string, string>>>>>;
  /** Told what happens, a line at a time. */
  readonly say?: (event: PlatformEvent) => void;
}

export type PlatformEvent =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'done'; readonly text: string; readonly milliseconds: number };

/** What was there before this start. */
export interface Found {
  readonly assets: readonly AssetView[];
  /** Entries in the log before this start added any. */
  readonly logSize: string;
  /** False for a home whose genesis happened just now. */
  readonly before: boolean;
}

/**
 * A whole platform on this machine: database, releaser, server, the people in their own process, and nodes registered and ready to
 * start. Each program is the production one with a development configuration.
 */
export interface DevelopmentPlatform {
  readonly home: Home;
  readonly ports: Ports;
  readonly installation: Installation;
  readonly people: RemotePeople;
  readonly server: Program;
  readonly releaser: Program;
  readonly nodes: readonly DevelopmentNode[];
  readonly found: Found;
  readonly enclave: string;
  /** Rejects when a program ends that nobody asked to; settles in no other way. */
  readonly failure: Promise<never>;
  /** Ends everything, in order. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Starts everything, in order: lock, genesis (once), database, releaser, server, people, documents, nodes. On failure whatever was
 * started is ended again.
 * @throws DevelopmentError saying what to do about it
 */
export async function startDevelopmentPlatform(options: PlatformOptions): Promise<DevelopmentPlatform> {
  const undo: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= inReverse(undo));
  try {
    return await start(options, undo, stop, () => stopping !== undefined);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function inReverse(undo: (() => Promise<void> | void)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

async function start(options: PlatformOptions, undo: (() => Promise<void> | void)[], stop: () => Promise<void>, stopping: () => boolean): Promise<DevelopmentPlatform> {
  const steps = new Steps(options.say ?? (() => undefined));
  const home = openHome(options.home);
  const lock: HomeLock = lockHome(home.root);
  undo.push(() => { lock.release(); });
  const ports = await claimPorts(options.ports);
  const runtimeFolder = openRuntimeFolder(home.root);
  undo.push(() => { rmSync(runtimeFolder, { recursive: true, force: true }); });
  const guardian = new Guardian();
  undo.push(() => { guardian.dismiss(); });
  const people = RemotePeople.start();
  undo.push(() => people.stop());
  const starting = steps.timed('database ready', () => startDatabase(home));
  // Waited for below: until then a failure is nobody's unhandled rejection.
  starting.catch(() => undefined);
  undo.push(async () => { await starting.then((server) => server.stop(), () => undefined); });
  const { installation, state, before } = await prepare({ home, runtimeFolder, ports, people, steps });
  const logSize = await sizeOfLog(home);
  const database = await starting;
  const programs = await startPrograms(installation, database, { guardian, options, undo, steps });
  await people.connect({ peopleFolder: home.people, founding: installation.founding, port: ports.people });
  const nodes = makeNodes(installation, guardian, options, state);
  const assets = await putInForce({ installation, people, nodes, steps, before });
  undo.push(async () => { await Promise.all(nodes.map(({ agent }) => agent.daemon.stop())); });
  return {
    home,
    ports,
    installation,
    people,
    ...programs,
    nodes,
    found: { assets, logSize, before },
    enclave: ENCLAVE,
    failure: failureOf([programs.releaser, programs.server], database, stopping),
    stop,
  };
}

/** As its own checkpoint says; for telling people, so nothing is verified. */
async function sizeOfLog(home: Home): Promise<string> {
  const note = await new DiskLogStorage(home.log).read(CHECKPOINT_PATH);
  return note === undefined ? '0' : (Buffer.from(note).toString('utf8').split('\n')[1] ?? '0');
}

async function startDatabase(home: Home): Promise<PostgresServer> {
  const logFile = join(home.logs, 'database.log');
  const lines: string[] = [];
  try {
    const server = await startPostgres({ home: home.postgres, log: (line) => lines.push(line), settings: { max_connections: '60' } });
    for (const role of [serverRole, releaserRole]) await server.ensureRole(role);
    await server.ensureDatabase({ database: DATABASE, owner: serverRole });
    await server.ensureSchema({ database: DATABASE, schema: RELEASER_SCHEMA, owner: releaserRole });
    return server;
  } catch (cause) {
    if (!(cause instanceof PostgresError)) throw cause;
    throw new DevelopmentError(cause.code === 'home-in-use' ? 'home-in-use' : 'program-ended', `the database cannot start: ${cause.message}`, { cause, reason: cause.code, details: lines });
  } finally {
    writePrivateFile(logFile, lines.map((line) => `${line}\n`).join(''));
  }
}

interface Preparation {
  readonly home: Home;
  readonly runtimeFolder: string;
  readonly ports: Ports;
  readonly people: RemotePeople;
  readonly steps: Steps;
}

/** Genesis where there was none, and the policy revision this checkout's bundle goes by. */
async function prepare({ home, runtimeFolder, ports, people, steps }: Preparation): Promise<{ installation: Installation; state: LauncherState; before: boolean }> {
  let founding = readFounding(home);
  let state = readState(home.stateFile);
  const before = founding !== undefined;
  if (founding === undefined) {
    founding = await steps.timed('genesis: people, keys and trust anchors made, signed by both roots (this once)', async () => {
      const facts = await makePlatformKeys(home, { now: new Date(), approvalOrigins: [`http://approve.localhost:${ports.people}`] });
      return people.found(facts, home.people);
    });
    state = { ...state, approvalPort: ports.people };
    writeState(home.stateFile, state);
    // Last: from here on this home has a genesis.
    writeFounding(home, founding);
  }
  if (state.approvalPort !== null && state.approvalPort !== ports.people) {
    steps.note(`approvals name http://approve.localhost:${state.approvalPort}, pinned at genesis; a browser’s passkey would need that port`);
  }
  writeTrust(home, founding);
  const policyRevision = revisionOf(state, steps);
  state = { ...state, policy: { revision: policyRevision, content: bundleContent() } };
  writeState(home.stateFile, state);
  return { installation: { home, runtimeFolder, ports, founding, policyRevision }, state, before };
}

/** Another bundle than the last start's is another revision: unused approvals are void, and both policy signers sign anew. */
function revisionOf({ policy }: LauncherState, steps: Steps): number {
  if (policy === null) return 1;
  if (policy.content === bundleContent()) return policy.revision;
  steps.note(`the policy bundle changed since the last start: it becomes revision ${policy.revision + 1}`);
  return policy.revision + 1;
}

interface Starting {
  readonly guardian: Guardian;
  readonly options: PlatformOptions;
  readonly undo: (() => Promise<void> | void)[];
  readonly steps: Steps;
}

async function startPrograms(installation: Installation, database: PostgresServer, { guardian, options, undo, steps }: Starting): Promise<{ releaser: Program; server: Program }> {
  const { home, ports } = installation;
  const { environment = {} } = options;
  const releaser = new Program({
    name: 'the releaser',
    script: scriptOf('releaser'),
    args: ['--config', writeReleaserConfiguration(installation, database.connection({ role: releaserRole, database: DATABASE }))],
    logFile: join(home.logs, 'releaser.log'),
    guardian,
    isReady: (line) => line.includes('"ready":true'),
    ...(environment.releaser === undefined ? {} : { environment: environment.releaser }),
  });
  const server = new Program({
    name: 'the server',
    script: scriptOf('server'),
    args: [writeServerConfiguration(installation, database.connection({ role: serverRole, database: DATABASE }))],
    logFile: join(home.logs, 'server.log'),
    guardian,
    isReady: (line) => line.startsWith('strongroom: people on '),
    environment: { STRONGROOM_LOG_LEVEL: process.env['STRONGROOM_LOG_LEVEL'], ...environment.server },
  });
  undo.push(async () => {
    await server.stop();
    await releaser.stop();
  });
  // Side by side: the server needs the releaser at its first request, not before.
  await Promise.all([
    steps.timed('releaser ready: it alone can unwrap keys', () => releaser.start()),
    steps.timed(`server listens: people on http://localhost:${ports.people}, agents on https://localhost:${ports.agents}`, () => server.start()),
  ]);
  return { releaser, server };
}

function makeNodes(installation: Installation, guardian: Guardian, options: PlatformOptions, state: LauncherState): DevelopmentNode[] {
  const { nodes = ['node-1'], evidence = ['swtpm', 'software'], environment = {} } = options;
  const ids = { ...state.nodes };
  const made = nodes.map((name) => new DevelopmentNode({ name, id: (ids[name] ??= uuidv7()), evidence }, installation, guardian, environment.agent));
  writeState(installation.home.stateFile, { ...readState(installation.home.stateFile), nodes: ids });
  return made;
}

interface Documents {
  readonly installation: Installation;
  readonly people: RemotePeople;
  readonly nodes: readonly DevelopmentNode[];
  readonly steps: Steps;
  readonly before: boolean;
}

/** Roster, policy and enclave as they are meant now. @returns what assets there are */
async function putInForce({ installation, people, nodes, steps, before }: Documents): Promise<readonly AssetView[]> {
  // The machines are asked meanwhile: nothing signed depends on the answer before the enclave.
  const identified = Promise.all(nodes.map((node) => node.identify()));
  identified.catch(() => undefined);
  steps.standing('roster of people and keys', await steps.measured(() => people.call('putRosterInForce')));
  steps.standing(`policy bundle, revision ${installation.policyRevision}`, await steps.measured(() => people.call('putPolicyInForce', installation.policyRevision)));
  const assets = before ? await people.call('assets') : [];
  await identified;
  const now = new Date();
  const environments = [...new Map(nodes.map(({ machine }) => [machine.kind, referenceEnvironment(machine.kind, machine.measurement, now)])).values()];
  const enclave = await steps.measured(() => people.call('putEnclaveInForce', { id: ENCLAVE, environments }));
  if (enclave.value.logIndex !== undefined && enclave.value.version > 1) steps.note('the agent is another build than before (or the enclave expires soon): its reference values are signed anew');
  steps.standing(`enclave ${ENCLAVE} with the reference values of this build of the agent`, enclave);
  return assets;
}

/** Registers a node's machine by both registrars, or sends again what they signed. */
export function registerNode({ people, enclave }: Pick<DevelopmentPlatform, 'people' | 'enclave'>, node: DevelopmentNode): Promise<Standing> {
  const { kind, hardwareId, endorsementRoot } = node.machine;
  return people.call('registerNode', { node: node.id, enclave, kind, hardwareId, ...(endorsementRoot === undefined ? {} : { endorsementRoot }) });
}

function failureOf(programs: readonly Program[], database: PostgresServer, stopping: () => boolean): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    for (const program of programs) {
      void program.exited.then((exit) => {
        if (!exit.asked) reject(program.ended(exit));
      });
    }
    void database.exited.then(() => {
      if (!stopping()) reject(new DevelopmentError('program-ended', 'the database ended: see its log in the home’s postgres folder'));
    });
  });
  // Whoever waits for something else races it; nobody has to.
  failure.catch(() => undefined);
  return failure;
}

class Steps {
  constructor(private readonly say: (event: PlatformEvent) => void) {}

  note(text: string): void {
    this.say({ kind: 'note', text });
  }

  async timed<T>(text: string, work: () => Promise<T>): Promise<T> {
    const { value, milliseconds } = await this.measured(work);
    this.say({ kind: 'done', text, milliseconds });
    return value;
  }

  async measured<T>(work: () => Promise<T>): Promise<{ value: T; milliseconds: number }> {
    const started = performance.now();
    const value = await work();
    return { value, milliseconds: Math.round(performance.now() - started) };
  }

  standing(what: string, { value, milliseconds }: { value: Standing; milliseconds: number }): void {
    const how = value.logIndex === undefined ? `version ${value.version}, in force already` : `version ${value.version}, signed by two, log entry ${value.logIndex}`;
    this.say({ kind: 'done', text: `${what}: ${how}`, milliseconds });
  }
}
