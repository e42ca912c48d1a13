import { ChainHeads, type ChainHead } from './chain-heads.js';
import type { Findings } from './finding.js';
import type { ChainLink, LoggedEvent } from './logged-event.js';

/**
 * Follows every chain through the log: each event names the one before it, and heartbeats commit to all heads at once. So an event
 * that was left out shows, even where whoever left it out can sign checkpoints.
 */
export class ChainAudit {
  readonly #heads = new ChainHeads();
  heartbeats = 0;

  constructor(private readonly findings: Findings) {}

  get chains(): number {
    return this.#heads.size;
  }

  accept(event: LoggedEvent): void {
    // A heartbeat speaks of the heads as they are just before it.
    if (event.chainHeads !== undefined) this.#assertHeads(event.index, event.chainHeads);
    for (const link of event.links) {
      const fault = faultOf(link, this.#heads.get(link.chain));
      if (fault !== undefined) this.findings.add('chain-broken', `chain ${link.chain}: ${fault}`, event.index);
      this.#heads.set(link.chain, { position: link.position, uid: event.uid, typeUid: event.typeUid, fingerprint: event.fingerprint });
    }
  }

  #assertHeads(index: bigint, committed: { readonly root: string; readonly chains: number }): void {
    this.heartbeats += 1;
    if (committed.root !== this.#heads.root() || committed.chains !== this.#heads.size) {
      this.findings.add('chain-root-mismatch', `the heartbeat commits to ${committed.chains} chains with other heads than the entries give`, index);
    }
  }
}

function faultOf({ position, previous }: ChainLink, head: ChainHead | undefined): string | undefined {
  if (head === undefined) return previous === undefined && position === 0 ? undefined : 'it begins in the middle: earlier events are missing';
  if (previous === undefined) return 'it begins anew: the events before are disowned';
  if (position !== head.position + 1) return `position ${position} follows ${head.position}`;
  if (previous.uid !== head.uid || previous.typeUid !== head.typeUid) return 'the event before is another than the one named';
  return previous.fingerprint === head.fingerprint ? undefined : 'the event before was changed';
}
