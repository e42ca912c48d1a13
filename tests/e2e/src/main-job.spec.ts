import { existsSync } from 'node:fs';
import { httpApi } from '@strongroom/control-plane-contract';
import type { AgentEventOf, RegisteredAsset } from '@strongroom/tools-development';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { grantedTo, NodeInHand } from './support/node-in-hand.js';
import { hasSwtpm, PATIENCE_MS, plaintextOf, SETUP_MS, Stage, type Opened } from './support/stage.js';
import { readWeights, type WeightsAnswer } from './support/weights-reader.js';

const RANGES = ['bytes=0-7', 'bytes=1048570-1048590', 'bytes=-4096', 'bytes=700001-'];

/** What the whole job showed, in the order it happened. Each test below looks at one part of it. */
interface Facts {
  readonly asset: RegisteredAsset;
  readonly a: Opened;
  readonly b: Opened;
  readonly shownToA: readonly string[];
  readonly shownToB: readonly string[];
  readonly fromA: Served;
  readonly fromB: Served;
  readonly shardBeyondA: WeightsAnswer;
  readonly renewedA: AgentEventOf<'lease-renewed'>;
  readonly renewedB: AgentEventOf<'lease-renewed'>;
  readonly wipedA: AgentEventOf<'wiped'>;
  readonly socketOfALeft: boolean;
  readonly renewedBAfter: AgentEventOf<'lease-renewed'>;
  readonly fromBAfter: Served;
  readonly refusalOfB: unknown;
  readonly ownServed: ReadonlyMap<number, string>;
  readonly wipedB: AgentEventOf<'wiped'>;
  readonly socketOfBLeft: boolean;
  readonly states: Readonly<Record<'a' | 'b', readonly string[]>>;
  readonly budget: { readonly used_bytes: number; readonly cap_bytes: number };
}

type Served = readonly { readonly shard: number; readonly range: string; readonly answer: WeightsAnswer }[];

async function serve(socket: string, model: string, shards: readonly number[]): Promise<Served> {
  const wanted = shards.flatMap((shard) => RANGES.map((range) => ({ shard, range })));
  return Promise.all(wanted.map(async ({ shard, range }) => ({ shard, range, answer: await readWeights(socket, `/shards/${plaintextOf(model, shard).path}`, range) })));
}

/** The bytes a range names in the original file. */
function expected(bytes: Buffer, range: string): Buffer {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (from === '') return bytes.subarray(bytes.length - Number(to));
  return bytes.subarray(Number(from), to === '' ? bytes.length : Number(to) + 1);
}

async function runJob(stage: Stage, model: string): Promise<Facts> {
  const { people } = stage.platform;
  const [a, b] = [stage.node('a'), stage.node('b')];
  const asset = await stage.seal('a', model);
  await Promise.all([stage.enlist('a'), stage.enlist('b')]);
  const opened = { a: await stage.open('a', { asset: asset.id, shards: [0] }), b: await stage.open('b', { asset: asset.id, shards: [0, 1], maxUses: 2 }) };
  const renewed = (name: 'a' | 'b', after = 0): Promise<AgentEventOf<'lease-renewed'>> =>
    stage.node(name).agent.event('lease-renewed', { where: ({ release, sequence }) => release === opened[name].released.release && sequence > after, timeoutMs: PATIENCE_MS });
  const first = { renewedA: await renewed('a'), renewedB: await renewed('b') };
  const served = {
    fromA: await serve(opened.a.opened.socket, model, [0]),
    fromB: await serve(opened.b.opened.socket, model, [0, 1]),
    shardBeyondA: await readWeights(opened.a.opened.socket, `/shards/${plaintextOf(model, 1).path}`),
  };
  const shown = { shownToA: await grantedTo(a), shownToB: await grantedTo(b) };

  await people.call('revoke', opened.a.request, 'no longer needed');
  const wipedA = await a.agent.event('wiped', { where: ({ release }) => release === opened.a.released.release, timeoutMs: PATIENCE_MS });
  const socketOfALeft = existsSync(opened.a.opened.socket);
  const renewedBAfter = await renewed('b', b.agent.events.filter(({ event }) => event === 'lease-renewed').length);
  const fromBAfter = await serve(opened.b.opened.socket, model, [0, 1]);

  await a.agent.daemon.stop();
  const stolen = await takeB(stage, asset, opened.b.request);

  await people.call('revoke', opened.b.request, 'no longer needed');
  const wipedB = await b.agent.event('wiped', { where: ({ release }) => release === opened.b.released.release, timeoutMs: PATIENCE_MS });
  const stateOf = async (name: 'a' | 'b'): Promise<string[]> => (await people.call('releases', opened[name].request)).map(({ state }) => state);
  return {
    asset, ...opened, ...first, ...served, ...shown, wipedA, socketOfALeft, renewedBAfter, fromBAfter, ...stolen, wipedB,
    socketOfBLeft: existsSync(opened.b.opened.socket),
    states: { a: await stateOf('a'), b: await stateOf('b') },
    budget: await stage.people.sessions.requester.call({ method: 'GET', path: `/v1/assets/${asset.id}/budget` }, httpApi.budgetView),
  };
}

/** With all of A's machine in hand: B's request, then one of A's own, to see that it was the request that was refused. */
async function takeB(stage: Stage, asset: RegisteredAsset, request: string): Promise<Pick<Facts, 'refusalOfB' | 'ownServed'>> {
  const own = await stage.grant('a', { asset: asset.id, shards: [0] });
  const hand = await NodeInHand.take(stage.node('a'));
  try {
    const refusalOfB = await hand.send(await hand.ask(request)).catch((error: unknown) => error);
    const asked = await hand.ask(own);
    return { refusalOfB, ownServed: await hand.keysOf(asked, await hand.send(asked)) };
  } finally {
    await hand.close();
  }
}

function mainJob(evidence: 'swtpm' | 'software'): void {
  let stage: Stage | undefined;
  let model: string;
  let facts: Facts;
  beforeAll(async () => {
    stage = await Stage.open({ nodes: ['a', 'b'], evidence });
    model = await stage.model('main-job');
    facts = await runJob(stage, model);
  }, SETUP_MS);
  afterAll(async () => { await stage?.close(); }, PATIENCE_MS);

  const bytesOf = (shard: number): number => plaintextOf(model, shard).bytes.length;

  it('releases to each node the shards that were granted to it, and no other', () => {
    expect(facts.a.released.shards).toBe(1);
    expect(facts.a.opened).toMatchObject({ shards: 1, bytes: bytesOf(0) });
    expect(facts.b.released.shards).toBe(2);
    expect(facts.b.opened).toMatchObject({ shards: 2, bytes: bytesOf(0) + bytesOf(1) });
    expect(facts.shardBeyondA.status).toBe(404);
  });

  it('serves the very bytes that were sealed', () => {
    for (const { shard, range, answer } of [...facts.fromA, ...facts.fromB]) {
      const whole = plaintextOf(model, shard).bytes;
      const part = expected(whole, range);
      expect([answer.status, answer.body.length]).toEqual([206, part.length]);
      expect(answer.contentRange).toMatch(new RegExp(`/${whole.length}$`));
      expect(Buffer.compare(answer.body, part)).toBe(0);
    }
  });

  it('shows a node its own requests alone', () => {
    expect(facts.shownToA).not.toContain(facts.b.request);
    expect(facts.shownToB).toEqual([facts.b.request]);
  });

  it('refuses another node’s request to a node that is good enough for its own', () => {
    expect(facts.refusalOfB).toMatchObject({ name: 'AgentError', code: 'server-refused', reason: 'not-found' });
    expect([...facts.ownServed.keys()]).toEqual([0]);
  });

  it('renews leases on fresh evidence', () => {
    for (const renewed of [facts.renewedA, facts.renewedB]) {
      expect(renewed.sequence).toBeGreaterThan(0);
      expect(renewed.secondsLeft).toBeGreaterThan(0);
    }
  });

  it('ends a revoked request on its node, which wipes and says so', () => {
    expect(facts.wipedA).toMatchObject({ why: 'revoked', acknowledged: true });
    expect(facts.socketOfALeft).toBe(false);
    expect(facts.states.a).toEqual(['ended']);
  });

  it('lets the other node go on until its own request is revoked', () => {
    expect(facts.renewedBAfter.sequence).toBeGreaterThan(facts.renewedB.sequence);
    for (const { shard, range, answer } of facts.fromBAfter) expect(Buffer.compare(answer.body, expected(plaintextOf(model, shard).bytes, range))).toBe(0);
    expect(facts.wipedB).toMatchObject({ why: 'revoked', acknowledged: true });
    expect(facts.socketOfBLeft).toBe(false);
    expect(facts.states.b).toEqual(['ended']);
  });

  it('debits the full size of every shard released, wiped or not', () => {
    expect(facts.budget.used_bytes).toBe(bytesOf(0) + (bytesOf(0) + bytesOf(1)) + bytesOf(0));
    expect(facts.budget.cap_bytes).toBeGreaterThan(facts.budget.used_bytes);
  });
}

const withSwtpm = hasSwtpm ? describe : describe.skip;
withSwtpm(`the main job on two nodes with a TPM each${hasSwtpm ? '' : ' (skipped: swtpm is not installed)'}`, () => { mainJob('swtpm'); });
describe('the main job on two nodes with software evidence', () => { mainJob('software'); });
