// Native ES modules (NestJS 12 is ESM-only), so there is no jest.mock hoisting: inject instead.
// The condition "strongroom-source" makes workspace packages resolve to src/index.ts, so tests need no build.
const swc = {
  module: { type: 'es6' },
  sourceMaps: 'inline',
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
};

/** @type {import('jest').Config} */
export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['strongroom-source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/**/src/**/*.spec.ts', '<rootDir>/**/test/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.strongroom/', '/.cache/'],
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/package.json', '<rootDir>/.cache/', '<rootDir>/.strongroom/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  globalSetup: '<rootDir>/tools/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/tools/jest-global-teardown.mjs',
  // A database is initialised in a second on an idle machine, and in many on a busy one.
  testTimeout: 60_000,
  maxWorkers: 2,
};
