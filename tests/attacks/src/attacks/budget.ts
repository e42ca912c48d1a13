import { outcomeOf, type Attack, type Outcome } from '../attack.js';

export const concurrentReleases: Attack = {
  name: 'budget exceeded by concurrent releases',
  rule: 'law 1, protocol rules 5 and 12',
  story: 'Twelve releases are asked for at the same moment, while the budget has room for three: each sees a budget that is not used yet.',
  expected: 'release-budget',
  async attempt(stage) {
    const shardBytes = [1000, 1000];
    const scene = await stage.scene({
      shardBytes,
      change: { enclave: (value) => ({ ...value, enclave: { ...value.enclave, budgets: [{ route: 'release', window_seconds: 3600, relative_cap: { numerator: 3, denominator: 1 }, absolute_cap_bytes: 1_000_000 }] } }) },
    });
    try {
      const releases = [];
      for (let i = 0; i < 12; i++) releases.push(await scene.sign({ label: `release ${i}` }));
      // All under one checkpoint, so that only the budget can tell them apart.
      const manifest = await scene.world.log.prove(scene.world.manifestIndex);
      const bodies = await Promise.all(
        releases.map(async ({ body, releaseIndex }) => ({ ...body, material: { ...body.material, manifest_entry: manifest, release_entry: await scene.world.log.prove(releaseIndex) } })),
      );
      const outcomes = await Promise.all(bodies.map((body) => outcomeOf(() => scene.releaser.call('release', body))));
      const allowed = outcomes.filter(({ refused }) => !refused);
      // Exactly three fit; if more came through, the attack worked.
      if (allowed.length !== 3) return [...outcomes.filter(({ refused }) => refused), { refused: false, code: `${allowed.length} of 3 allowed` } satisfies Outcome];
      return outcomes.filter(({ refused }) => refused);
    } finally {
      await scene.close();
    }
  },
};
