import { canonicalDigest } from '@strongroom/attestation-encoding';
import type { LogStatement } from '@strongroom/control-plane-contract';
import type { Trust } from '../trust/trust.js';
import { ChainAudit } from './chain-audit.js';
import type { Findings } from './finding.js';
import { parseLoggedEvent, type LoggedEvent } from './logged-event.js';
import { ReleaseAudit } from './release-audit.js';

/** Reads every entry of a log in order and holds it against all before it. What it finds counts once the log's root is verified. */
export class LogAudit {
  readonly chains: ChainAudit;
  readonly releases: ReleaseAudit;
  entries = 0;
  /** Milliseconds since the epoch, by the log's clock. */
  lastLoggedTime: number | undefined;

  constructor(
    private readonly trust: Trust & { readonly genesis: NonNullable<Trust['genesis']> },
    private readonly findings: Findings,
  ) {
    this.chains = new ChainAudit(findings);
    this.releases = new ReleaseAudit(findings, trust.anchors.value.tenant);
  }

  accept(index: bigint, bytes: Uint8Array): void {
    this.entries += 1;
    let event: LoggedEvent;
    try {
      event = parseLoggedEvent(index, bytes, this.trust.anchors.value.log.origin);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (index === 0n) this.findings.add('genesis-not-first', 'entry 0 is not the genesis statement', index);
      return this.findings.add('entry-malformed', error.message, index);
    }
    if (BigInt(event.sequence) !== index) this.findings.add('entry-misplaced', `the event says it is entry ${event.sequence}`, index);
    this.#assertGenesis(index, event.statement);
    this.lastLoggedTime = Math.max(this.lastLoggedTime ?? 0, event.loggedTime);
    this.chains.accept(event);
    this.releases.accept(event);
  }

  #assertGenesis(index: bigint, statement: LogStatement | undefined): void {
    const isGenesis = statement?.type === 'strongroom/log/genesis/v1';
    if (index > 0n) {
      if (isGenesis) this.findings.add('genesis-repeated', 'a second genesis statement', index);
      return;
    }
    const { genesis } = this.trust;
    if (!isGenesis || statement.genesis_digest !== genesis.digest || payloadOf(statement.envelope) !== payloadOf(genesis.envelope)) {
      this.findings.add('genesis-not-first', 'entry 0 is not the pinned genesis statement', index);
    }
  }
}

/** Two envelopes over one payload may carry other signatures; what is said is the same. */
function payloadOf(envelope: unknown): string {
  const payload = typeof envelope === 'object' && envelope !== null ? (envelope as Record<string, unknown>)['payload'] : undefined;
  return canonicalDigest(typeof payload === 'string' ? payload : null);
}
