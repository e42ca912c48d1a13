import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DevelopmentNode, RegisteredAsset } from '@strongroom/tools-development';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NodeInHand, type AskedRelease } from './support/node-in-hand.js';
import { processesWith, until } from './support/processes.js';
import { hasSwtpm, PATIENCE_MS, SETUP_MS, Stage, type Opened } from './support/stage.js';
import { readWeights } from './support/weights-reader.js';

const LEASE_MS = 6000;
/** A node counts its lease from before it asked, so it ends earlier than we think; what is added is for a busy machine. */
const LEASE_AND_MARGIN_MS = LEASE_MS + 3000;
const TEST_MS = 180_000;
const REBOOT_TRIES = 4;

let opened: Stage | undefined;
let asset: RegisteredAsset;

beforeAll(async () => {
  opened = await Stage.open({ nodes: ['a', 'b'], evidence: hasSwtpm ? 'swtpm' : 'software' });
  asset = await opened.seal('a', await opened.model('lapse'));
  await Promise.all([opened.enlist('a'), opened.enlist('b')]);
}, SETUP_MS);
afterAll(async () => { await opened?.close(); }, PATIENCE_MS);

function stage(): Stage {
  if (opened === undefined) throw new Error('the stage did not open');
  return opened;
}

/** A node that runs and holds the weights, whatever a test before this one did to it. */
async function holding(name: string): Promise<{ node: DevelopmentNode; held: Opened }> {
  const node = stage().node(name);
  if (!node.agent.daemon.running) await stage().enlist(name);
  const held = await stage().open(name, { asset: asset.id, shards: asset.shards });
  expect((await readWeights(held.opened.socket, '/tensors')).status).toBe(200);
  return { node, held };
}

describe('a node that loses contact', () => {
  it('wipes within its lease when the server ends', async () => {
    const { node, held } = await holding('a');
    const { server } = stage().platform;
    await server.stop();
    const ended = performance.now();
    try {
      const wiped = await node.agent.event('wiped', { where: ({ release }) => release === held.released.release, timeoutMs: LEASE_AND_MARGIN_MS });
      expect(performance.now() - ended).toBeLessThan(LEASE_AND_MARGIN_MS);
      expect(wiped).toMatchObject({ why: 'contact-lost', acknowledged: false });
      expect(existsSync(held.opened.socket)).toBe(false);
    } finally {
      await server.start();
    }
  }, TEST_MS);

  it('wipes within its lease when the server takes its connections and answers nothing', async () => {
    const { node, held } = await holding('a');
    const pid = stage().platform.server.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const { why } = await node.agent.event('lease-ended', { where: ({ release }) => release === held.released.release, timeoutMs: LEASE_AND_MARGIN_MS });
      expect(why).toBe('contact-lost');
      await until('the socket is gone', () => !existsSync(held.opened.socket), 5000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // By itself: the watchdog did not have to kill it, and it can say what it did as soon as it is heard again.
    const wiped = await node.agent.event('wiped', { where: ({ release }) => release === held.released.release, timeoutMs: PATIENCE_MS });
    expect(wiped.why).toBe('contact-lost');
    expect(node.agent.daemon.running).toBe(true);
  }, TEST_MS);
});

describe('an agent that is killed', () => {
  it('has its weights taken away by its watchdog, which then ends too', async () => {
    const { node, held } = await holding('a');
    const runtimeFolder = join(stage().platform.installation.runtimeFolder, node.name);
    const watchdogs = processesWith('watchdog-main', runtimeFolder);
    expect(watchdogs).toHaveLength(1);
    expect(held.opened.socket.startsWith(runtimeFolder)).toBe(true);
    await node.agent.daemon.kill();
    await until('the runtime folder is gone', () => !existsSync(runtimeFolder));
    await until('the watchdog has ended', () => processesWith('watchdog-main', runtimeFolder).length === 0);
    await expect(readWeights(held.opened.socket, '/tensors')).rejects.toMatchObject({ code: 'ENOENT' });
  }, TEST_MS);
});

/** The node's machine without its agent, good enough to be served. */
async function take(name: string): Promise<NodeInHand> {
  const { agent } = stage().node(name);
  if (!agent.daemon.running) await stage().enlist(name);
  await agent.daemon.stop();
  const hand = await NodeInHand.take(stage().node(name));
  expect(await hand.attestation()).toMatchObject({ status: 'affirming' });
  return hand;
}

const withTpm = hasSwtpm ? describe : describe.skip;

withTpm(`a machine that was rebooted${hasSwtpm ? '' : ' (skipped: swtpm is not installed)'}`, () => {
  it('has its lease renewed before, and refused after, for being booted again alone', async () => {
    const hand = await take('b');
    try {
      const request = await stage().grant('b', { asset: asset.id, shards: [0], maxUses: REBOOT_TRIES });
      const refusal = await refusalAfterReboot(hand, request);
      expect(refusal).toMatchObject({ name: 'AgentError', code: 'server-refused', reason: 'evidence-not-affirming' });
      // The same machine, measured as before: a new release of its own boot is its to have.
      expect(await hand.attestation()).toMatchObject({ status: 'affirming' });
    } finally {
      await hand.close();
    }
  }, TEST_MS);
});

/** A reboot takes a second, or many on a busy machine: a lease that lapsed meanwhile shows nothing, and is tried again. */
async function refusalAfterReboot(hand: NodeInHand, request: string): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const asked: AskedRelease = await hand.ask(request);
    await hand.send(asked);
    await hand.renew(asked);
    await hand.reboot();
    const refusal: unknown = await hand.renew(asked).catch((error: unknown) => error);
    const lapsed = (refusal as { reason?: unknown }).reason === 'release-not-active';
    if (!lapsed || attempt === REBOOT_TRIES) return refusal;
  }
}

describe('a machine on which more was run than the agent', () => {
  it('gets no release', async () => {
    const hand = await take('b');
    try {
      const request = await stage().grant('b', { asset: asset.id, shards: [0] });
      await hand.extend(createHash('sha256').update('another program').digest());
      const refusal: unknown = await hand.send(await hand.ask(request)).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ name: 'AgentError', code: 'server-refused', message: expect.stringContaining('evidence-refused') });
      expect((await hand.attestation()).status).not.toBe('affirming');
      expect(await stage().platform.people.call('releases', request)).toEqual([]);
      // Nothing else stood in its way.
      await hand.reboot();
      const asked = await hand.ask(request);
      expect([...(await hand.keysOf(asked, await hand.send(asked))).keys()]).toEqual([0]);
    } finally {
      await hand.close();
    }
  }, TEST_MS);
});
