import { z } from 'zod';

const base = z.looseObject({ event: z.string().max(50) });

/** The events of the agent that the launcher reads; others pass by unread. */
export const agentEvents = {
  source: z.looseObject({ event: z.literal('source'), source: z.string(), chosenNow: z.boolean(), passedOver: z.array(z.looseObject({ source: z.string(), reason: z.string() })) }),
  identity: z.looseObject({
    event: z.literal('identity'),
    identity: z.looseObject({ kind: z.enum(['tpm2', 'software']), hardwareId: z.string(), akName: z.string() }),
    measurement: z.string().regex(/^[0-9a-f]{64}$/),
    endorsementRoot: z.string().optional(),
  }),
  enrolled: z.looseObject({ event: z.literal('enrolled'), node: z.string(), spiffeId: z.string(), hardware: z.boolean() }),
  attested: z.looseObject({ event: z.literal('attested'), status: z.string(), kind: z.string(), environment: z.string().nullable() }),
  sealing: z.looseObject({ event: z.literal('sealing'), done: z.number(), total: z.number() }),
  sealed: z.looseObject({ event: z.literal('sealed'), asset: z.string(), manifest: z.string(), shards: z.number(), bytes: z.number() }),
  released: z.looseObject({ event: z.literal('released'), release: z.string(), request: z.string(), shards: z.number(), logIndex: z.string() }),
  opening: z.looseObject({ event: z.literal('opening'), done: z.number(), total: z.number() }),
  opened: z.looseObject({ event: z.literal('opened'), release: z.string(), shards: z.number(), bytes: z.number(), socket: z.string() }),
  'lease-renewed': z.looseObject({ event: z.literal('lease-renewed'), release: z.string(), sequence: z.number(), secondsLeft: z.number() }),
  'lease-ended': z.looseObject({ event: z.literal('lease-ended'), release: z.string(), why: z.string() }),
  wiped: z.looseObject({ event: z.literal('wiped'), release: z.string(), why: z.string(), acknowledged: z.boolean() }),
  refused: z.looseObject({ event: z.literal('refused'), code: z.string(), reason: z.string().nullable(), message: z.string(), request: z.string().optional() }),
  warning: z.looseObject({ event: z.literal('warning'), message: z.string() }),
} as const;

export type AgentEventName = keyof typeof agentEvents;
export type AgentEventOf<K extends AgentEventName> = z.infer<(typeof agentEvents)[K]>;
export interface AnyAgentEvent {
  readonly event: string;
  readonly [member: string]: unknown;
}

/** An event as the agent printed it, or undefined for a line that is none. */
export function parseAgentLine(line: string): AnyAgentEvent | undefined {
  try {
    const parsed = base.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
