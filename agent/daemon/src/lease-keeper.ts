import { randomBytes } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import { ContractError, httpApi, leaseSecondsLeft, verifyLease, type Anchors, type Lease, type VerifiedRelease } from '@strongroom/control-plane-contract';
import type { BootClock } from './boot-clock.js';
import type { ControlPlaneClient } from './control-plane-client.js';
import { AgentError } from './errors.js';
import type { Report, WipeReason } from './events.js';
import type { MtlsIdentity } from './mtls-identity.js';
import type { NodeEvidence } from './node-evidence.js';

export interface LeaseKeeperOptions {
  readonly release: VerifiedRelease;
  readonly lease: Lease;
  /** Boot-time seconds at which the nonce of the first lease was sent. */
  readonly sentAt: number;
  readonly anchors: Anchors;
  readonly node: string;
  readonly client: ControlPlaneClient;
  readonly evidence: NodeEvidence;
  readonly mtls: MtlsIdentity;
  readonly bootClock: BootClock;
  readonly now: () => Date;
  readonly report: Report;
  /** Told of each new end, in boot-time seconds, before anything relies on it: the watchdog's deadline. */
  readonly onDeadline: (bootSeconds: number) => void;
  /** Resolves after so many seconds: what a renewal under way is given up by. */
  readonly alarm: (seconds: number, signal: AbortSignal) => Promise<void>;
}

/** A lease and its end. Time counts from the moment of sending, on the boot clock (protocol rule 13). */
export class LeaseKeeper {
  #deadline: number;
  #sequence: number;
  /** Once over, an answer that comes late renews nothing. */
  #over = false;

  constructor(private readonly options: LeaseKeeperOptions) {
    this.#sequence = options.lease.sequence;
    this.#deadline = options.sentAt + leaseSecondsLeft(options.lease, options.now());
    options.onDeadline(this.#deadline);
  }

  get secondsLeft(): number {
    return this.#deadline - this.options.bootClock.seconds();
  }

  /**
   * Renews until it no longer can, then says why. Never later than the lease's end.
   * @param wait resolves after so many seconds, or at once when `signal` aborts.
   */
  async keep(wait: (seconds: number, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<WipeReason> {
    let trouble: WipeReason = 'lapsed';
    while (this.secondsLeft > 0) {
      await wait(Math.max(0, Math.min(this.options.lease.renew_seconds, this.secondsLeft)), signal);
      if (signal.aborted) return 'finished';
      if (this.secondsLeft <= 0) break;
      const outcome = await this.renewInTime();
      if (outcome === 'too-late') return 'contact-lost';
      if (outcome === 'revoked' || outcome === 'evidence-refused') return outcome;
      trouble = outcome === 'renewed' ? 'lapsed' : outcome;
    }
    return trouble;
  }

  /** A server that takes the connection and says nothing must not carry us past the end. */
  private async renewInTime(): Promise<Renewal | 'too-late'> {
    const settled = new AbortController();
    const late = this.options.alarm(this.secondsLeft, settled.signal).then(() => 'too-late' as const);
    const outcome = await Promise.race([this.renew(), late]);
    settled.abort();
    if (outcome === 'too-late') this.#over = true;
    return outcome;
  }

  /** One renewal. Losing contact is not an end by itself: the lease has until its deadline to be renewed. */
  private async renew(): Promise<Renewal> {
    const { release, node, anchors, client, mtls, evidence, bootClock, now, report, onDeadline } = this.options;
    const { statement } = release;
    try {
      const fresh = await evidence.collect('renew', statement.transport_key_digest);
      const leaseNonce = toBase64url(new Uint8Array(randomBytes(32)));
      const sentAt = bootClock.seconds();
      const body = { nonce: fresh.nonce, evidence: fresh.evidence, lease_nonce: leaseNonce };
      const { lease: envelope } = await client.call('POST', `/v1/node/releases/${statement.release_id}/renewals`, httpApi.leaseAnswer, body, mtls.current(now()));
      const { value } = verifyLease(envelope, anchors, {
        releaseId: statement.release_id,
        requestDigest: statement.request_digest,
        node,
        akName: statement.ak_name,
        nonce: leaseNonce,
        minimumSequence: this.#sequence + 1,
        now: now(),
      });
      if (this.#over) return 'contact-lost';
      // A server cannot stretch what the log says: neither the step nor the end.
      const step = Math.min(leaseSecondsLeft(value, now()), statement.lease.seconds);
      const end = (Date.parse(statement.lease.not_after) - now().getTime()) / 1000;
      this.#sequence = value.sequence;
      this.#deadline = sentAt + Math.max(0, Math.min(step, end));
      onDeadline(this.#deadline);
      report({ event: 'lease-renewed', release: statement.release_id, sequence: value.sequence, secondsLeft: Math.round(this.secondsLeft * 10) / 10 });
      return 'renewed';
    } catch (error) {
      return this.outcomeOf(error);
    }
  }

  private outcomeOf(error: unknown): WipeReason {
    if (this.#over) return 'contact-lost';
    const known = error instanceof AgentError || error instanceof ContractError;
    const reason = error instanceof AgentError ? error.reason : undefined;
    this.options.report({
      event: 'refused',
      code: known ? error.code : 'defect',
      reason: reason ?? null,
      message: error instanceof Error ? error.message : 'unknown',
      request: this.options.release.request.id,
    });
    if (!(error instanceof AgentError)) return 'lapsed';
    if (error.code === 'server-unreachable') return 'contact-lost';
    if (reason === 'evidence-not-affirming' || reason === 'evidence-rejected') return 'evidence-refused';
    return error.code === 'server-refused' && !TRANSIENT.has(reason ?? '') ? 'revoked' : 'lapsed';
  }
}

type Renewal = 'renewed' | WipeReason;

/** Refusals that say nothing about the release: try again while the lease lasts. */
const TRANSIENT: ReadonlySet<string> = new Set(['rate-limited', 'nonce-refused', 'nonce-expired', 'nonce-limit', 'transaction-contention', 'body-malformed']);
