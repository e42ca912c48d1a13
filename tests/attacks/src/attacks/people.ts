import { approvalOf, accessRequest, approvalsOf } from '@strongroom/tests-fixtures';
import { outcomeOf, type Attack } from '../attack.js';
import { answerOf, nodeAccepts } from '../stage/node-side.js';

export const oneApproverTwice: Attack = {
  name: 'one approver twice',
  rule: 'laws 1 and 5',
  story: 'One person signs two approvals, so that the count comes out right.',
  expected: 'quorum-incomplete',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign({
        change: {
          material: (value) => {
            const { owner } = scene.world.people;
            const again = approvalOf(scene.world, owner, value.request, (statement) => ({ ...statement, nonce: Buffer.alloc(32, 9).toString('base64url') }));
            return { ...value, approvals: [approvalOf(scene.world, owner, value.request), again] };
          },
        },
      });
      return [await outcomeOf(() => scene.releaser.call('release', release.body))];
    } finally {
      await scene.close();
    }
  },
};

export const requesterApproves: Attack = {
  name: 'requester approving',
  rule: 'law 5',
  story: 'The requester, who may fill a factor for others, fills it for their own request.',
  expected: 'approval-factor',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign({
        change: {
          material: (value) => {
            const { owner, security } = scene.world.people;
            // The requester of this request is the owner-approver: everything else about the approval is in order.
            const request = { ...value.request, requested_by: owner.id };
            return { ...value, request, approvals: [approvalOf(scene.world, owner, request), approvalOf(scene.world, security, request)] };
          },
        },
      });
      return [await outcomeOf(() => scene.releaser.call('release', release.body))];
    } finally {
      await scene.close();
    }
  },
};

export const alteredRequest: Attack = {
  name: 'altered request after approval',
  rule: 'protocol rule 4',
  story: 'People approve one shard; root on the server widens the request to all shards and keeps their approvals.',
  expected: 'approval-other-request',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign({
        change: { material: (value) => ({ ...value, approvals: approvalsOf(scene.world, accessRequest(scene.world, { shards: [0] })) }) },
      });
      return [await outcomeOf(() => scene.releaser.call('release', release.body))];
    } finally {
      await scene.close();
    }
  },
};

export const deniedRequest: Attack = {
  name: 'a denial that is not counted',
  rule: 'law 1',
  story: 'One approver denies; two others approve, and the server counts only those.',
  expected: 'quorum-incomplete',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign({
        change: {
          material: (value) => {
            const { owner, security } = scene.world.people;
            return { ...value, approvals: [approvalOf(scene.world, owner, value.request, (statement) => ({ ...statement, decision: 'deny' })), approvalOf(scene.world, security, value.request)] };
          },
        },
      });
      return [await outcomeOf(() => scene.releaser.call('release', release.body))];
    } finally {
      await scene.close();
    }
  },
};

export const approvalsSkipped: Attack = {
  name: 'agent facing a control plane that skips the approvals',
  rule: 'law 3',
  story: 'Keys were released properly, but the server hands the node a release with a single approval: the node must refuse by itself.',
  expected: 'quorum-incomplete',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign();
      const released = await scene.releaser.call('release', release.body);
      const honest = answerOf(release, released);
      await nodeAccepts(scene, release, honest);
      const skipped = { ...honest, material: { ...honest.material, approvals: honest.material.approvals.slice(0, 1) } };
      return [await outcomeOf(() => nodeAccepts(scene, release, skipped))];
    } finally {
      await scene.close();
    }
  },
};
