export type { Suite, SuiteCase } from './suite.js';
export { runSuites } from './run-suites.js';
export type { ConformanceReport, ConformanceRun, SuiteReport } from './run-suites.js';
export { suites } from './suites/index.js';
