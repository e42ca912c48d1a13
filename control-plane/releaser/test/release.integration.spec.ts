import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { verifyLease } from '@strongroom/control-plane-contract';
import { accessRequest, createFakeTpm } from '@strongroom/tests-fixtures';
import { ReleaserUnderTest } from './support/running-releaser.js';

let releaser: ReleaserUnderTest;
beforeEach(async () => {
  releaser = await ReleaserUnderTest.start();
  await releaser.enrol();
});
afterEach(async () => {
  await releaser.stop();
});

describe('a release', () => {
  it('gives an enrolled node the keys it asked for, sealed to its transport key, with a lease', async () => {
    const release = await releaser.sign();
    const answer = await releaser.client.call('release', release.body);
    expect(await releaser.open(release, answer)).toEqual(releaser.world.shardKeys);
    const { value } = verifyLease(answer.lease, releaser.world.anchors.value, {
      releaseId: release.body.release_id,
      requestDigest: release.statement.request_digest,
      node: releaser.world.nodeId,
      akName: releaser.world.node.akName,
      nonce: release.body.lease_nonce,
      minimumSequence: 0,
      now: releaser.clock.now(),
    });
    expect(value).toMatchObject({ sequence: 0, seconds: 6, renew_seconds: 2, not_after: release.statement.lease.not_after });
    expect(await releaser.counts()).toEqual({ releases: 1, debited: 10_000, used: 1 });
  });
});
