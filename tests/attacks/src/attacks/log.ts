import { outcomeOf, type Attack } from '../attack.js';

export const manifestNotLogged: Attack = {
  name: 'manifest not in the log',
  rule: 'law 1',
  story: 'Two signers are made to sign a second manifest quietly; it is never logged, and the server shows another entry in its place.',
  expected: 'manifest-not-logged',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const quiet = await scene.sign({ change: { material: (value) => ({ ...value, manifest_entry: value.release_entry }) } });
      return [await outcomeOf(() => scene.releaser.call('release', quiet.body))];
    } finally {
      await scene.close();
    }
  },
};

export const releaseNotLogged: Attack = {
  name: 'release without its log entry',
  rule: 'law 2',
  story: 'The server asks for keys and shows a log entry of something else, so that no trace of the release is left.',
  expected: 'release-not-logged',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const traceless = await scene.sign({ change: { material: (value) => ({ ...value, release_entry: value.manifest_entry }) } });
      return [await outcomeOf(() => scene.releaser.call('release', traceless.body))];
    } finally {
      await scene.close();
    }
  },
};

export const anotherLog: Attack = {
  name: 'a log of the attacker’s own',
  rule: 'laws 2 and 8',
  story: 'The release stands in a log, only not in ours: its checkpoint is signed with another key.',
  expected: 'log-proof',
  async attempt(stage) {
    const scene = await stage.scene();
    try {
      const elsewhere = await scene.sign({ releaseProof: { key: scene.world.keys.stranger } });
      return [await outcomeOf(() => scene.releaser.call('release', elsewhere.body))];
    } finally {
      await scene.close();
    }
  },
};
