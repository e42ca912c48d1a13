export { compare } from './bench.js';
export type { Bench, BenchRecord, Figure } from './bench.js';
