import { join } from 'node:path';
import { ENVIRONMENT_NAMES, type EvidenceKind } from '../documents/environment.js';
import { makePrivateFolder } from '../home/private-file.js';
import { AgentProgram, eventOf } from '../programs/agent-program.js';
import { scriptOf } from '../programs/entry-points.js';
import type { Guardian } from '../programs/guardian.js';
import { writeAgentConfiguration, type Installation, type NodePlace } from './configuration.js';

/** Who a node's machine says it is, before two people registered it. */
export interface NodeMachine {
  readonly source: string;
  readonly chosenNow: boolean;
  readonly passedOver: readonly { readonly source: string; readonly reason: string }[];
  readonly kind: EvidenceKind;
  readonly hardwareId: string;
  readonly measurement: string;
  readonly endorsementRoot: string | undefined;
}

/** A node of the development installation: its place on disk and its agent. */
export class DevelopmentNode {
  readonly agent: AgentProgram;
  readonly configFile: string;
  #machine: NodeMachine | undefined;

  constructor(
    readonly place: NodePlace,
    installation: Installation,
    guardian: Guardian,
    environment: Readonly<Record<string, string | undefined>> = {},
  ) {
    const { home } = installation;
    makePrivateFolder(join(home.agents, place.name));
    this.configFile = writeAgentConfiguration(installation, place);
    this.agent = new AgentProgram({ name: place.name, script: scriptOf('agent'), configFile: this.configFile, logFile: join(home.logs, `agent-${place.name}.log`), guardian, environment });
  }

  get id(): string {
    return this.place.id;
  }

  get name(): string {
    return this.place.name;
  }

  get machine(): NodeMachine {
    if (this.#machine === undefined) throw new RangeError('the machine was not asked who it is');
    return this.#machine;
  }

  /** The reference environment this node's evidence has to be in. */
  get environment(): string {
    return ENVIRONMENT_NAMES[this.machine.kind];
  }

  /** Asks the machine who it is: chooses its source of evidence at the first time. @throws DevelopmentError `agent-failed` */
  async identify(): Promise<NodeMachine> {
    const events = await this.agent.job('identity');
    const { source, chosenNow, passedOver } = eventOf(events, 'source');
    const { identity, measurement, endorsementRoot } = eventOf(events, 'identity');
    this.#machine = { source, chosenNow, passedOver, kind: identity.kind, hardwareId: identity.hardwareId, measurement, endorsementRoot };
    return this.#machine;
  }
}
