import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { LEASE, signStatement, toSignerKey, type Anchors, type Lease, type VerifiedRelease } from '@strongroom/control-plane-contract';
import type { ControlPlaneClient } from './control-plane-client.js';
import { AgentError } from './errors.js';
import type { AgentEvent } from './events.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { MtlsIdentity } from './mtls-identity.js';
import type { NodeEvidence } from './node-evidence.js';

const releaser = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const NODE = '01890a5d-ac96-774b-bcce-b302099a8057';
const RELEASE = '01890a5d-ac96-774b-bcce-b302099a8058';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const START = Date.parse('2026-06-01T12:00:00Z');
const lease: Lease = {
  type: 'strongroom/lease/v1', tenant: 'acme', release_id: RELEASE, request_digest: DIGEST, node: NODE, ak_name: 'ab'.repeat(17), nonce: Buffer.alloc(32).toString('base64url'),
  sequence: 0, seconds: 6, renew_seconds: 2, not_after: '2026-06-01T13:00:00Z', evidence_digest: DIGEST, anchors_version: 1,
};
const statement = { release_id: RELEASE, request_digest: DIGEST, ak_name: lease.ak_name, transport_key_digest: DIGEST, lease: { seconds: 6, renew_seconds: 2, not_after: lease.not_after } };

type Renewal = (nonce: string, sequence: number) => unknown;
const renewed = (change: Partial<Lease> = {}, key = releaser.privateKey): Renewal => (nonce, sequence) => ({ lease: signStatement(LEASE, { ...lease, nonce, sequence, ...change }, [key]) });
const refuses = (reason: string, code: 'server-refused' | 'server-unreachable' = 'server-refused'): Renewal => () => {
  throw new AgentError(code, 'no', { reason });
};

/** A node whose only moving part is time: each wait advances both clocks; each renewal takes the next answer, the last one for ever. */
function stage(answers: readonly Renewal[], options: { stopAfterRenewals?: number; notAfter?: string; alarm?: boolean } = {}) {
  let seconds = 1000;
  let renewals = 0;
  const events: AgentEvent[] = [];
  const deadlines: number[] = [];
  const stop = new AbortController();
  const release = { statement: { ...statement, lease: { ...statement.lease, not_after: options.notAfter ?? lease.not_after } }, request: { id: RELEASE } } as unknown as VerifiedRelease;
  const client = {
    call: (_method: string, _path: string, _shape: unknown, body: { lease_nonce: string }) => {
      const answer = answers[Math.min(renewals, answers.length - 1)] as Renewal;
      renewals += 1;
      if (options.stopAfterRenewals === renewals) stop.abort();
      return Promise.resolve().then(() => answer(body.lease_nonce, renewals));
    },
  } as unknown as ControlPlaneClient;
  const keeper = new LeaseKeeper({
    release,
    lease: { ...lease, not_after: options.notAfter ?? lease.not_after },
    sentAt: seconds,
    anchors: { tenant: 'acme', releaser: toSignerKey(releaser.publicKey) } as Anchors,
    node: NODE,
    client,
    evidence: { collect: () => Promise.resolve({ nonce: 'n', evidence: {}, digest: DIGEST, akName: lease.ak_name }) } as unknown as NodeEvidence,
    mtls: { current: () => ({ key: '', certificate: '', keyDigest: '' }) } as unknown as MtlsIdentity,
    bootClock: { seconds: () => seconds },
    now: () => new Date(START + (seconds - 1000) * 1000),
    report: (event) => { events.push(event); },
    onDeadline: (deadline) => { deadlines.push(deadline); },
    alarm: (forSeconds) => (options.alarm === true ? wait(forSeconds) : new Promise<void>(() => undefined)),
  });
  const wait = (forSeconds: number): Promise<void> => {
    seconds += forSeconds;
    return Promise.resolve();
  };
  return { keep: () => keeper.keep(wait, stop.signal), events, deadlines, elapsed: () => seconds - 1000, renewals: () => renewals };
}

describe('LeaseKeeper', () => {
  it('renews until it is stopped, each time from the moment of sending', async () => {
    const node = stage([renewed()], { stopAfterRenewals: 4 });
    expect(await node.keep()).toBe('finished');
    expect(node.deadlines).toEqual([1006, 1008, 1010, 1012, 1014]);
  });

  it.each(['release-revoked', 'release-refused', 'not-found', 'access-denied'])('ends at once when the answer is %s', async (reason) => {
    const node = stage([renewed(), refuses(reason)]);
    expect(await node.keep()).toBe('revoked');
    expect(node.elapsed()).toBe(4);
  });

  it('ends at once when its evidence is refused', async () => {
    expect(await stage([refuses('evidence-not-affirming')]).keep()).toBe('evidence-refused');
  });

  it('keeps trying without contact, but never past the lease', async () => {
    const node = stage([refuses('x', 'server-unreachable')]);
    expect(await node.keep()).toBe('contact-lost');
    expect(node.elapsed()).toBe(6);
    expect(node.renewals()).toBe(2);
  });

  it('gives up a renewal that is not answered in time, and takes no answer that comes after', async () => {
    let answer: (value: unknown) => void = () => undefined;
    let asked = '';
    const late: Renewal = (nonce) => {
      asked = nonce;
      return new Promise((resolve) => { answer = resolve; });
    };
    const node = stage([late], { alarm: true });
    expect(await node.keep()).toBe('contact-lost');
    expect(node.elapsed()).toBe(6);
    answer(renewed()(asked, 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(node.deadlines).toEqual([1006]);
    expect(node.events).toEqual([]);
  });

  it('survives a passing refusal', async () => {
    const node = stage([refuses('rate-limited'), renewed()], { stopAfterRenewals: 3 });
    expect(await node.keep()).toBe('finished');
  });

  const lies: readonly [string, Renewal][] = [
    ['a lease by another signer', renewed({}, stranger.privateKey)],
    ['a lease that answers another nonce', renewed({ nonce: Buffer.alloc(32, 1).toString('base64url') })],
    ['a lease of another node', renewed({ node: RELEASE })],
    ['a lease of another release', renewed({ release_id: NODE })],
    ['a lease replayed', renewed({ sequence: 0 })],
    ['a lease of another tenant', renewed({ tenant: 'other' })],
    ['a lease over another request', renewed({ request_digest: `sha256:${'cd'.repeat(32)}` })],
    ['no lease', () => ({ lease: undefined })],
  ];
  it.each(lies)('does not live longer by %s', async (_name, answer) => {
    const node = stage([answer]);
    expect(await node.keep()).toBe('lapsed');
    expect(node.elapsed()).toBe(6);
  });

  it('takes no longer step than the log allows, whatever a renewal says', async () => {
    const node = stage([renewed({ seconds: 3600, renew_seconds: 2 })], { stopAfterRenewals: 1 });
    await node.keep();
    expect(node.deadlines.at(-1)).toBe(1008);
  });

  it('never passes the end of the release', async () => {
    const node = stage([renewed({ not_after: '2026-06-01T13:00:00Z' })], { notAfter: '2026-06-01T12:00:03Z' });
    expect(await node.keep()).toBe('lapsed');
    expect(node.elapsed()).toBe(3);
  });
});
