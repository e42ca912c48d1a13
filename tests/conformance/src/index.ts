export type { Suite, SuiteCase } from './suite.js';
export { runSuites } from './run-suites.js';
export type { ConformanceReport, ConformanceRun, SuiteReport } from './run-suites.js';
export { suites } from './suites/index.js';
export type { ForeignTool } from './foreign/go-tool.js';
export { buildTesseraFsck, runTesseraFsck } from './foreign/tessera-fsck.js';
export type { FsckOptions, FsckResult } from './foreign/tessera-fsck.js';
export { buildProofVerifier, runProofVerifier } from './foreign/proof-verifier.js';
