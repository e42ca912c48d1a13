import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { releaseAnswerSchema, type AccessRequest } from '@strongroom/control-plane-contract';
import type { Answer } from './support/http-client.js';
import { ok } from './support/people.js';
import { PlatformProcesses } from './support/platform-processes.js';
import { releaseLedger, type ReleaseLedger } from './support/release-ledger.js';
import type { ReleaseAttempt, TestNode } from './support/test-node.js';

let platform: PlatformProcesses;
let node: TestNode;
let request: AccessRequest;
/** Releases a client was told of. */
const acknowledged = new Set<string>();

beforeAll(async () => {
  platform = await PlatformProcesses.install();
  await platform.startReleaser();
  await platform.startServer();
  node = await platform.prepare();
  request = await platform.approvedRequest({ max_uses: 500, shards: [0] });
}, 120_000);
afterAll(async () => {
  await platform?.remove();
});

/** Sends releases until one gets no answer, as happens when the server dies. @returns that one */
async function releaseUntilDeath(): Promise<ReleaseAttempt> {
  for (let n = 0; n < 20; n++) {
    const attempt = await node.attempt(request.id);
    const answer = await node.send(attempt).catch(() => undefined);
    if (answer === undefined) return attempt;
    await ok(Promise.resolve(answer));
    acknowledged.add(attempt.body.release_id);
  }
  throw new Error('the server did not die');
}

/** What a client does that got no answer: the same again; where its nonce was used up for nothing, or its lease is over, a new one. */
async function retry(attempt: ReleaseAttempt): Promise<Answer> {
  const answer = await node.send(attempt);
  if (answer.status === 201) {
    const keys = await node.open(attempt, releaseAnswerSchema.parse(answer.json));
    expect([...keys.values()]).toEqual([platform.world.shardKeys[0]]);
    acknowledged.add(attempt.body.release_id);
  }
  return answer;
}

/** Every party tells the same, nothing twice, and nothing of what was acknowledged is lost. */
function assertConsistent(ledger: ReleaseLedger): void {
  assertSettled(ledger);
  for (const id of acknowledged) {
    expect(ledger.releaser).toContain(id);
    expect(ledger.server.find((release) => release.id === id)?.state).toBe('released');
  }
}

/** Each release is one entry, one use and one debit; the releaser knows of no other. */
function assertSettled(ledger: ReleaseLedger): void {
  const server = ledger.server.map(({ id }) => id);
  expect(ledger.logged).toEqual(server);
  expect(ledger.serverDebits).toEqual(server);
  expect(ledger.uses[request.id] ?? 0).toBe(server.length);
  expect(ledger.releaserDebits).toEqual(ledger.releaser);
  for (const id of ledger.releaser) expect(ledger.logged).toContain(id);
}

/** At any moment, dead or alive: no key has left without its entry standing in the published log (law 2). */
async function assertLoggedFirst(): Promise<ReleaseLedger> {
  const ledger = await releaseLedger(platform.installation);
  for (const id of ledger.releaser) expect(ledger.logged).toContain(id);
  return ledger;
}

describe('a server killed in the middle of a release', () => {
  it('finishes it when asked again, killed at each step in turn', async () => {
    await restartServer('after-reserve');
    const attempt = await releaseUntilDeath();
    for (const crashAt of ['after-log', 'before-unwrap', 'after-unwrap']) {
      await assertLoggedFirst();
      await restartServer(crashAt);
      // The same again: it goes one step further, and dies there.
      await expect(node.send(attempt)).rejects.toThrow();
      expect(await platform.serverEnd()).toBe('SIGKILL');
    }
    await assertLoggedFirst();
    await restartServer();
    const answer = await retry(attempt);
    // The keys came back from the releaser before the last death; its lease of six seconds may be over on a busy machine.
    if (answer.status !== 201) expect(answer.json).toMatchObject({ code: 'releaser-refused', reasons: [{ code: 'release-not-active' }] });
    await assertOnce(attempt);
  }, 120_000);

  it('has released, and says so when asked again, killed before it answered', async () => {
    await restartServer('before-answer');
    const attempt = await releaseUntilDeath();
    expect(await platform.serverEnd()).toBe('SIGKILL');
    await restartServer();
    const answer = await retry(attempt);
    if (answer.status !== 201) expect(answer.json).toMatchObject({ code: 'releaser-refused', reasons: [{ code: 'release-not-active' }] });
    expect((await assertOnce(attempt)).server.find(({ id }) => id === attempt.body.release_id)?.state).toBe('released');
  }, 60_000);

  it('loses nothing and doubles nothing, killed at each step of its log in turn', async () => {
    const unanswered: ReleaseAttempt[] = [];
    for (const crashAt of ['after-sequence:2', 'after-tiles:2', 'after-checkpoint-file:2', 'after-checkpoint:2']) {
      await restartServer(crashAt);
      unanswered.push(await releaseUntilDeath());
      expect(await platform.serverEnd()).toBe('SIGKILL');
      await assertLoggedFirst();
    }
    await restartServer();
    for (const attempt of unanswered) {
      const answer = await retry(attempt);
      if (answer.status === 201) await assertOnce(attempt);
      else {
        // Killed between nonce and reservation there is no release to go on with; after its minute the nonce is too old; after its
        // seconds, the lease. Whichever it was, there is no half of a release.
        expect(['nonce-refused', 'releaser-refused']).toContain(answer.json.code);
        assertSettled(await assertLoggedFirst());
      }
    }
    expect((await retry(await node.attempt(request.id))).status).toBe(201);
    assertConsistent(await releaseLedger(platform.installation));
  }, 120_000);
});

async function assertOnce({ body }: ReleaseAttempt): Promise<ReleaseLedger> {
  const ledger = await releaseLedger(platform.installation);
  assertConsistent(ledger);
  for (const ids of [ledger.logged, ledger.serverDebits, ledger.releaserDebits]) expect(ids.filter((id) => id === body.release_id)).toHaveLength(1);
  return ledger;
}

describe('a releaser killed in the middle of a release', () => {
  beforeAll(() => restartServer(), 60_000);

  it.each(['before-unwrapping', 'after-unwrapping', 'after-unwrap', 'before-answer'])(
    'gives each key once, and the server says so: killed %s',
    async (crashAt) => {
      await platform.stopReleaser();
      await platform.startReleaser(crashAt);
      const attempt = await node.attempt(request.id);
      const unanswered = await node.send(attempt);
      expect([unanswered.status, unanswered.json.code]).toEqual([503, 'releaser-unavailable']);
      expect(await platform.releaserEnd()).toBe('SIGKILL');
      await platform.startReleaser();
      const answer = await retry(attempt);
      if (answer.status !== 201) expect([crashAt, answer.json]).toMatchObject(['before-answer', { code: 'releaser-refused', reasons: [{ code: 'release-not-active' }] }]);
      await assertOnce(attempt);
    },
    60_000,
  );

  it('revokes for good, whichever of the two was killed meanwhile', async () => {
    const attempt = await node.attempt(request.id);
    expect((await retry(attempt)).status).toBe(201);
    await platform.stopReleaser();
    const revoke = () => platform.as('security', { path: `/v1/requests/${request.id}/revocation`, body: { reason: 'drill' } });
    expect((await revoke()).status).toBe(503);
    await restartServer();
    await platform.startReleaser();
    await ok(revoke());
    expect((await node.renew(attempt)).json.code).toBe('release-refused');
    expect((await node.send(attempt)).json.code).toBe('release-refused');
    assertConsistent(await releaseLedger(platform.installation));
  }, 60_000);
});

async function restartServer(crashAt?: string): Promise<void> {
  await platform.stopServer();
  await platform.startServer(crashAt);
  node.moveTo(platform.agents);
}
