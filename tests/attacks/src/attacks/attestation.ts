import { toBase64url } from '@strongroom/attestation-encoding';
import { generateTransportKey } from '@strongroom/control-plane-contract';
import { evidenceOf } from '@strongroom/tests-fixtures';
import { outcomeOf, type Attack } from '../attack.js';

export const replayedNonce: Attack = {
  name: 'replayed nonce',
  rule: 'law 1, protocol rule 7',
  story: 'Root on the server keeps a nonce and the evidence made for it, and hands both in again for a second release.',
  expected: 'nonce-used',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const first = await scene.sign();
      await scene.releaser.call('release', first.body);
      const second = await scene.sign({ nonce: first.body.nonce, label: 'second' });
      return [await outcomeOf(() => scene.releaser.call('release', second.body))];
    } finally {
      await scene.close();
    }
  },
};

export const anotherTransportKey: Attack = {
  name: 'quote for another transport key',
  rule: 'law 1, protocol rule 7',
  story: 'Root on the server swaps the transport key for one of its own, to be the one the shard keys are sealed to: in the call alone, then in the log as well.',
  expected: 'evidence-transport-key',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const mine = await generateTransportKey();
      const honest = await scene.sign();
      return [await outcomeOf(() => scene.releaser.call('release', { ...honest.body, transport_key: mine.publicKey }))];
    } finally {
      await scene.close();
    }
  },
};

export const loggedTransportKey: Attack = {
  name: 'quote for another transport key, logged as if it were right',
  rule: 'law 1, protocol rule 7',
  story: 'As before, but the server also logs its own key as the one the evidence binds: everything agrees except the quote itself.',
  expected: 'evidence-rejected',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const mine = await generateTransportKey();
      const lied = await scene.sign({
        change: {
          statement: (value) => ({ ...value, transport_key_digest: mine.digest, input: { ...value.input, attestation: { ...(value.input['attestation'] as object), transport_key_digest: mine.digest } } }),
          body: (value) => ({ ...value, transport_key: mine.publicKey }),
        },
      });
      return [await outcomeOf(() => scene.releaser.call('release', lied.body))];
    } finally {
      await scene.close();
    }
  },
};

export const staleAttestation: Attack = {
  name: 'stale attestation',
  rule: 'law 1',
  story: 'Evidence that was fresh when it was made is kept until the node may have changed, then handed in.',
  expected: 'nonce-expired',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const nonce = await scene.challenge('release');
      scene.clock.advance(61);
      const late = await scene.sign({ nonce });
      return [await outcomeOf(() => scene.releaser.call('release', late.body))];
    } finally {
      await scene.close();
    }
  },
};

export const forgedNonce: Attack = {
  name: 'a nonce of the attacker’s own choosing',
  rule: 'protocol rule 7',
  story: 'Evidence made in advance, over a nonce the releaser never gave.',
  expected: 'nonce-unknown',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const forged = await scene.sign({ nonce: toBase64url(new Uint8Array(32).fill(7)) });
      return [await outcomeOf(() => scene.releaser.call('release', forged.body))];
    } finally {
      await scene.close();
    }
  },
};

export const anotherMeasurement: Attack = {
  name: 'a node that runs something else',
  rule: 'law 1',
  story: 'A genuine node proves, genuinely, that it is not running what the enclave lists; the server logs it as affirming.',
  expected: 'evidence-not-affirming',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const changed = await scene.sign({ pcrs: [{ bank: 'sha256', values: { '0': 'aa'.repeat(32), '7': 'cc'.repeat(32) } }] });
      return [await outcomeOf(() => scene.releaser.call('release', changed.body))];
    } finally {
      await scene.close();
    }
  },
};

export const renewalAfterChange: Attack = {
  name: 'renewal by a node that changed',
  rule: 'law 6',
  story: 'A node gets its keys, then runs something else and asks for its lease to be renewed.',
  expected: 'evidence-not-affirming',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const release = await scene.sign();
      await scene.releaser.call('release', release.body);
      const nonce = await scene.challenge('renew');
      const evidence = evidenceOf(scene.world, { nonce, purpose: 'renew', transportKeyDigest: release.transport.digest, pcrs: [{ bank: 'sha256', values: { '0': 'aa'.repeat(32), '7': 'dd'.repeat(32) } }] });
      const body = { release_id: release.body.release_id, evidence, nonce, lease_nonce: release.body.lease_nonce, enclave: scene.world.signEnclave() as never };
      return [await outcomeOf(() => scene.releaser.call('renew', body))];
    } finally {
      await scene.close();
    }
  },
};
