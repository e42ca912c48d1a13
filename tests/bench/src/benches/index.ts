import type { Bench } from '../bench.js';
import { httpBenches } from './http.js';
import { logBenches } from './log.js';
import { policyBenches } from './policy.js';
import { sealingBenches } from './sealing.js';
import { startBenches } from './start.js';

/** Every benchmark, in the order they run. */
export const benches: readonly Bench[] = [...sealingBenches, ...policyBenches, ...logBenches, ...httpBenches, ...startBenches];
