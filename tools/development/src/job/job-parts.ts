import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import type { DevelopmentPlatform } from '../platform/development-platform.js';
import type { DevelopmentNode } from '../platform/node.js';
import { agentEvents, type AgentEventOf, type AnyAgentEvent } from '../programs/agent-events.js';
import { eventOf } from '../programs/agent-program.js';
import type { RegisteredAsset } from '../people/people.js';
import type { AccessWish, RequestView } from '../people/requester.js';

/** Done and total bytes of a long step. */
export type OnProgress = (done: number, total: number) => void;

export interface SealedAsset {
  readonly id: string;
  readonly folder: string;
  readonly shards: number;
  readonly bytes: number;
}

/** Has a node's agent seal weights: fresh keys, wrapped to the enclave's key service. @throws DevelopmentError `agent-failed` */
export async function seal(
  { home, enclave }: Pick<DevelopmentPlatform, 'home' | 'enclave'>,
  node: DevelopmentNode,
  what: { readonly source: string; readonly name: string; readonly environments: readonly string[]; readonly onProgress?: OnProgress },
): Promise<SealedAsset> {
  const id = uuidv7();
  const args = ['--asset', id, '--source', what.source, '--name', what.name, '--enclave', enclave, '--environment', ...what.environments];
  const events = await node.agent.job('seal', args, progressOf('sealing', what.onProgress));
  const { shards, bytes } = eventOf(events, 'sealed');
  return { id, folder: join(home.sealed, id), shards, bytes };
}

/** Seals weights, has both custodians sign the manifest, and registers the asset. */
export async function sealAndRegister(
  platform: Pick<DevelopmentPlatform, 'home' | 'enclave' | 'people' | 'nodes'>,
  node: DevelopmentNode,
  what: { readonly source: string; readonly name: string; readonly onProgress?: OnProgress },
): Promise<RegisteredAsset> {
  const environments = [...new Set(platform.nodes.map(({ environment }) => environment))];
  const sealed = await seal(platform, node, { ...what, environments });
  return platform.people.call('registerAsset', sealed.folder);
}

export interface GrantedAccess {
  readonly request: RequestView;
  /** As each approver computed it. */
  readonly shortDigests: readonly string[];
}

/** A request for all shards of an asset on a node, approved by both approvers. */
export async function grantAccess({ people }: Pick<DevelopmentPlatform, 'people'>, wish: Pick<AccessWish, 'asset' | 'node' | 'shards'> & Partial<AccessWish>): Promise<GrantedAccess> {
  const request = await people.call('request', { ...DEFAULT_WISH, ...wish });
  const owner = await people.call('approve', 'owner', request.request.id);
  const security = await people.call('approve', 'security', request.request.id);
  return { request: security.view, shortDigests: [owner.shortDigest, security.shortDigest] };
}

export const DEFAULT_WISH = { purpose: 'evaluation', ticket: 'DEV-1', minutes: 30, maxUses: 1 } as const satisfies Partial<AccessWish>;

export interface HeldWeights {
  readonly released: AgentEventOf<'released'>;
  readonly opened: AgentEventOf<'opened'>;
}

/** Waits until a node has taken what was granted, opened it, and found every plaintext digest to be the manifest's. */
export async function holdWeights(node: DevelopmentNode, request: string, onProgress?: OnProgress): Promise<HeldWeights> {
  node.agent.listen(progressOf('opening', onProgress));
  try {
    const released = await node.agent.event('released', { where: (event) => event.request === request, request });
    const opened = await node.agent.event('opened', { where: (event) => event.release === released.release, request, timeoutMs: 10 * 60_000 });
    return { released, opened };
  } finally {
    node.agent.listen(undefined);
  }
}

function progressOf(name: 'sealing' | 'opening', onProgress: OnProgress | undefined): (event: AnyAgentEvent) => void {
  return (event) => {
    const parsed = event.event === name ? agentEvents[name].safeParse(event) : undefined;
    if (parsed?.success === true) onProgress?.(parsed.data.done, parsed.data.total);
  };
}
