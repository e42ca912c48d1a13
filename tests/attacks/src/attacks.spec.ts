import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { judge } from './attack.js';
import { attacks } from './attacks/index.js';
import { Stage } from './stage/stage.js';

describe('attacks', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  }, 60_000);
  afterAll(async () => {
    await stage.close();
  });

  it('has a name of its own for each', () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
  });

  it.each(attacks.map((attack) => [attack.name, attack] as const))('is refused: %s', async (_name, attack) => {
    const verdict = await judge(attack, stage);
    expect(verdict).toEqual({ name: attack.name, refused: true, code: expect.any(String) });
  }, 60_000);
});
