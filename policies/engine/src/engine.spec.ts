import { describe, expect, it } from '@jest/globals';
import { loadBuiltBundle } from './built-bundle.js';
import { createPolicyEngine } from './engine.js';

describe('engine', () => {
  it('loads', () => {
    for (const profile of ['development', 'production'] as const) {
      const engine = createPolicyEngine({ ...loadBuiltBundle(profile), revision: 1 });
      expect(engine.profile).toBe(profile);
      console.log(engine.policyDigest, engine.memoryPages, JSON.stringify(engine.decideRelease({} as never)));
    }
  });
});
