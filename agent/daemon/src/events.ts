import type { NodeHardwareIdentity } from '@strongroom/agent-collectors';

/** What the agent tells whoever runs it: one JSON object a line, nothing secret in it. */
export type AgentEvent =
  | { readonly event: 'source'; readonly source: string; readonly chosenNow: boolean; readonly passedOver: readonly { readonly source: string; readonly reason: string }[] }
  | { readonly event: 'measured'; readonly pcr: number; readonly measurement: string }
  | { readonly event: 'identity'; readonly identity: NodeHardwareIdentity; readonly measurement: string; readonly endorsementRoot?: string }
  | { readonly event: 'warning'; readonly message: string }
  | { readonly event: 'enrolled'; readonly node: string; readonly spiffeId: string; readonly hardware: boolean }
  | { readonly event: 'attested'; readonly status: string; readonly kind: string; readonly environment: string | null; readonly ear: string }
  | { readonly event: 'sealing'; readonly done: number; readonly total: number }
  | { readonly event: 'sealed'; readonly asset: string; readonly manifest: string; readonly wrappedKeys: string; readonly shards: number; readonly bytes: number }
  | { readonly event: 'released'; readonly release: string; readonly request: string; readonly shards: number; readonly logIndex: string }
  | { readonly event: 'opening'; readonly done: number; readonly total: number }
  | { readonly event: 'opened'; readonly release: string; readonly shards: number; readonly bytes: number; readonly socket: string }
  | { readonly event: 'lease-renewed'; readonly release: string; readonly sequence: number; readonly secondsLeft: number }
  | { readonly event: 'refused'; readonly code: string; readonly reason: string | null; readonly message: string; readonly request?: string }
  | { readonly event: 'lease-ended'; readonly release: string; readonly why: WipeReason }
  | { readonly event: 'wiped'; readonly release: string; readonly why: WipeReason; readonly acknowledged: boolean }
  | { readonly event: 'stopped' };

export type WipeReason = 'lapsed' | 'revoked' | 'finished' | 'contact-lost' | 'evidence-refused';

export type Report = (event: AgentEvent) => void;
