import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { httpApi } from '@strongroom/control-plane-contract';
import type { DevelopmentPlatform, RegisteredAsset } from '@strongroom/tools-development';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { auditVerify, exportLog, statementsOf } from './support/audit.js';
import { NodeInHand } from './support/node-in-hand.js';
import { hasSwtpm, PATIENCE_MS, SETUP_MS, Stage, type Opened } from './support/stage.js';

const TEST_MS = 180_000;
/** Of the development profile, less what the answer may have taken. */
const LEASE_MS = 4_000;
const marksSchema = z.looseObject({ versions: z.record(z.string(), z.number()), checkpoint: z.looseObject({ size: z.string(), root: z.string() }), releases: z.array(z.string()) });
type Marks = z.infer<typeof marksSchema>;

let opened: Stage | undefined;
let asset: RegisteredAsset;
let first: Opened;
let exportBefore: string;
let marksBefore: Marks;
let exportSize: bigint;
let foundAgain: DevelopmentPlatform['found'];
let backup: string;

beforeAll(async () => {
  opened = await Stage.open({ evidence: hasSwtpm ? 'swtpm' : 'software' });
  asset = await opened.seal('a', await opened.model('restart'));
  await opened.enlist('a');
  first = await opened.open('a', { asset: asset.id, shards: asset.shards });
  await end(first);
  exportBefore = await exportLog(opened, 'before');
  exportSize = sizeOf(exportBefore);
  marksBefore = marks();
  await opened.stop();
  backup = join(opened.folder, 'backup');
  copy(opened.home, backup);
  foundAgain = (await opened.start()).found;
}, SETUP_MS);
afterAll(async () => { await opened?.close(); }, PATIENCE_MS);

function stage(): Stage {
  if (opened === undefined) throw new Error('the stage did not open');
  return opened;
}

/** The node's agent running, whatever a test before did to it. */
async function runningAgent() {
  const { agent } = stage().node('a');
  if (!agent.daemon.running) await stage().enlist('a');
  return agent;
}

async function end({ request, released }: Opened): Promise<void> {
  await stage().platform.people.call('revoke', request, 'no longer needed');
  await stage().node('a').agent.event('wiped', { where: ({ release }) => release === released.release, timeoutMs: PATIENCE_MS });
}

/** With owners and modes, as a backup would: the database's files are another account's. */
function copy(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function marks(): Marks {
  return marksSchema.parse(JSON.parse(readFileSync(join(stage().home, 'agents', 'a', 'state', 'high-water.json'), 'utf8')));
}

function sizeOf(folder: string): bigint {
  return BigInt(readFileSync(join(folder, 'log', 'checkpoint'), 'utf8').split('\n')[1] ?? '');
}

async function usedBytes(): Promise<number> {
  const { used_bytes } = await stage().people.sessions.requester.call({ method: 'GET', path: `/v1/assets/${asset.id}/budget` }, httpApi.budgetView);
  return used_bytes;
}

describe('a platform started again on its home', () => {
  it('finds its assets and its log', () => {
    expect(foundAgain.before).toBe(true);
    expect(foundAgain.assets.map(({ id }) => id)).toEqual([asset.id]);
    expect(BigInt(foundAgain.logSize)).toBeGreaterThanOrEqual(exportSize);
  });

  it('opens what was sealed before, and its log and its node’s high-water marks go on from where they were', async () => {
    await runningAgent();
    const again = await stage().open('a', { asset: asset.id, shards: asset.shards });
    await end(again);
    const marksAfter = marks();
    expect(marksAfter.releases.slice(0, marksBefore.releases.length)).toEqual(marksBefore.releases);
    expect(marksAfter.releases).toContain(again.released.release);
    expect(BigInt(marksAfter.checkpoint.size)).toBeGreaterThan(BigInt(marksBefore.checkpoint.size));
    for (const [name, version] of Object.entries(marksBefore.versions)) expect(marksAfter.versions[name]).toBeGreaterThanOrEqual(version);
    const exported = await exportLog(stage(), 'after-restart');
    expect(sizeOf(exported)).toBeGreaterThan(exportSize);
    expect(await auditVerify(stage(), exported, '--previous', exportBefore)).toMatchObject({ code: 0 });
  }, TEST_MS);
});

describe('a server killed in the middle of the job', () => {
  it('goes on with a log that verifies, and serves the node again', async () => {
    const agent = await runningAgent();
    const held = await stage().open('a', { asset: asset.id, shards: asset.shards });
    await agent.event('lease-renewed', { where: ({ release }) => release === held.released.release, timeoutMs: PATIENCE_MS });
    const { server } = stage().platform;
    expect(await server.kill()).toMatchObject({ signal: 'SIGKILL' });
    await server.start();
    await end(held);
    await end(await stage().open('a', { asset: asset.id, shards: [0] }));
    const exported = await exportLog(stage(), 'after-kill');
    expect(await auditVerify(stage(), exported, '--previous', exportBefore)).toMatchObject({ code: 0 });
  }, TEST_MS);

  it.each([
    ['server', 'after-reserve'],
    ['server', 'after-unwrap'],
    ['releaser', 'after-unwrap'],
  ] as const)('%s dead %s: the release asked for again is the same one, counted once', async (which, point) => {
    await (await runningAgent()).daemon.stop();
    const { platform } = stage();
    const request = await stage().grant('a', { asset: asset.id, shards: [0] });
    const usedBefore = await usedBytes();
    const hand = await NodeInHand.take(stage().node('a'));
    try {
      const program = platform[which];
      await program.stop();
      await program.start({ STRONGROOM_CRASH_AT: point });
      const asked = await hand.ask(request);
      const askedAt = Date.now();
      const died = program.expectExit();
      await expect(hand.send(asked)).rejects.toMatchObject({ code: 'server-unreachable' });
      expect(await died).toMatchObject({ signal: 'SIGKILL' });
      await program.start();

      // Keys that were answered once are answered again within their first lease only; a slow restart may take longer than that.
      const again = async (): Promise<ReadonlyMap<number, string> | 'lease over'> => {
        try {
          return await hand.keysOf(asked, await hand.send(asked));
        } catch (error) {
          const { reason } = error as { reason?: unknown };
          if (point === 'after-unwrap' && reason === 'release-not-active' && Date.now() - askedAt > LEASE_MS) return 'lease over';
          throw error;
        }
      };
      const keys = await again();
      if (keys !== 'lease over') {
        expect([...keys.keys()]).toEqual([0]);
        expect([keys, 'lease over']).toContainEqual(await again());
      }
      const other = await hand.ask(request);
      await expect(hand.send({ body: { ...other.body, release_id: asked.body.release_id } })).rejects.toMatchObject({ code: 'server-refused', reason: 'conflict' });
      await expect(hand.send(other)).rejects.toMatchObject({ code: 'server-refused' });

      expect((await platform.people.call('releases', request)).map(({ id, state }) => ({ id, state }))).toEqual([{ id: asked.body.release_id, state: keys === 'lease over' ? expect.stringMatching(/^(?:unwrapping|ended)$/) : 'released' }]);
      expect(await usedBytes() - usedBefore).toBe((await stage().platform.people.call('assets'))[0]?.shards[0]?.bytes);
      const { statements } = await statementsOf(stage(), `after-${which}-${point}`);
      expect(statements.filter(({ statement }) => statement.type === 'strongroom/log/release/v1' && statement.release_id === asked.body.release_id)).toHaveLength(1);
    } finally {
      await hand.close();
    }
  }, TEST_MS);
});

describe('a control plane put back to an earlier state', () => {
  it('is refused by the node, which has seen more', async () => {
    await end(await (await runningAgent(), stage().open('a', { asset: asset.id, shards: [0] })));
    await stage().stop();
    const { home } = stage();
    const now = join(stage().folder, 'now');
    renameSync(home, now);
    copy(backup, home);
    // All of it is put back but the node, which is another machine.
    rmSync(join(home, 'agents'), { recursive: true });
    copy(join(now, 'agents'), join(home, 'agents'));
    await stage().start();
    const agent = await runningAgent();
    const request = await stage().grant('a', { asset: asset.id, shards: [0] });
    const refused = await agent.event('refused', { where: (event) => event.request === request, timeoutMs: PATIENCE_MS });
    expect(refused.code).toBe('log-inconsistent');
    expect(agent.events.some(({ event }) => event === 'released')).toBe(false);
    await stage().stop();
    rmSync(home, { recursive: true });
    renameSync(now, home);
    await stage().start();
  }, TEST_MS);
});
