import type { Bench } from '../bench.js';
import { sealingBenches } from './sealing.js';

/** Every benchmark, in the order they run. */
export const benches: readonly Bench[] = [...sealingBenches];
