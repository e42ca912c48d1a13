import { createHash } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import { measureDecisionRate } from '@strongroom/policies-engine';
import { createWorld, signRelease } from '@strongroom/tests-fixtures';
import { compare, type Bench } from '../bench.js';

const DECISIONS = 5000;
const WARM_UP = 500;

/** One release decision in process, and beside it what merely carrying its question costs: JSON there and back, and a digest. */
async function measure(progress: (message: string) => void) {
  progress('signing a genuine release to ask about');
  const at = new Date();
  const world = await createWorld({ seed: 'bench', now: () => at });
  const { statement } = await signRelease(world, { nonce: toBase64url(new Uint8Array(32)) });
  const input = statement.input as unknown;
  if (!world.engine.decideRelease(input).decision) throw new Error('the release asked about must be allowed');
  const carry = (): { decision: boolean } => {
    const text = JSON.stringify(input);
    return { decision: createHash('sha256').update(text).digest().length + JSON.stringify(JSON.parse(text)).length > 0 };
  };
  const decide = (): { decision: boolean } => world.engine.decideRelease(input);
  measureDecisionRate(decide, WARM_UP);
  measureDecisionRate(carry, WARM_UP);
  progress(`${DECISIONS} decisions`);
  return { decided: measureDecisionRate(decide, DECISIONS), carried: measureDecisionRate(carry, DECISIONS) };
}

const REFERENCE = 'JSON round trip and SHA-256 of the same question';

export const policyBenches: readonly Bench[] = [
  {
    name: 'policy.release-decisions',
    async run(progress) {
      const { decided, carried } = await measure(progress);
      return compare(this.name, decided.perSecond, 'decisions/s', { name: REFERENCE, value: carried.perSecond, unit: 'round trips/s' });
    },
  },
  {
    name: 'policy.release-p99',
    async run(progress) {
      const { decided, carried } = await measure(progress);
      return compare(this.name, decided.p99Microseconds, 'µs', { name: `p99 of ${REFERENCE}`, value: carried.p99Microseconds, unit: 'µs' });
    },
  },
];
