// What Nx and the compiler do not see: the order of the folders inside the server, cycles, and what is reached by detours.

/** From what changes rarely to what changes often. A folder imports earlier rows only; neighbours in a row keep apart. */
const serverFolders = [
  ['platform'],
  ['audit', 'keys'],
  ['documents'],
  ['people', 'sessions'],
  ['policies', 'enclaves', 'nodes', 'tiers', 'intel'],
  ['appraisals', 'signals', 'accounts'],
  ['assets'],
  ['budgets'],
  ['access', 'notifications'],
  ['releases'],
  ['response'],
  ['posture'],
];

const server = 'control-plane/server/src';
const anyOf = (folders) => `^${server}/(${folders.join('|')})/`;
const spec = '\\.(spec|contract)\\.ts$|/testing/|/test/';
const verifiers = '^attestation/(tpm2|sev-snp|tdx|nitro|gpu|software|provenance|appraisal)/';

const order = serverFolders.flatMap((row, index) =>
  row.map((folder) => {
    const others = [...row.filter((other) => other !== folder), ...serverFolders.slice(index + 1).flat()];
    return {
      name: `server-order-${folder}`,
      comment: `${server}/${folder} imports only folders in earlier rows of .dependency-cruiser.cjs.`,
      severity: 'error',
      from: { path: `^${server}/${folder}/`, pathNot: spec },
      to: { path: others.length === 0 ? '^$' : anyOf(others) },
    };
  }),
);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...order,
    {
      name: 'server-folder-unknown',
      comment: 'A new folder of the server needs its row in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: `^${server}/[^/]+/`, pathNot: anyOf(serverFolders.flat()) },
      to: {},
    },
    {
      name: 'server-folder-imports-application',
      comment: 'The files beside the folders put them together; no folder looks back at them.',
      severity: 'error',
      from: { path: `^${server}/[^/]+/`, pathNot: spec },
      to: { path: `^${server}/[^/]+\\.ts$` },
    },
    {
      name: 'cycle',
      comment: 'Move the shared part down.',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'attester-reaches-verifier',
      comment: 'An attester that can judge evidence can be made to judge its own (RFC 9334); not even by a detour.',
      severity: 'error',
      from: { path: '^agent/', pathNot: spec },
      to: { path: verifiers, reachable: true },
    },
    {
      name: 'product-imports-test',
      comment: 'What runs in production is not made of what tests it.',
      severity: 'error',
      from: { path: '^(attestation|policies|agent|control-plane|infra)/', pathNot: `${spec}|^attestation/testing/|/postgres/src/index.ts$` },
      to: { path: `${spec}|^attestation/testing/|^tests/|/postgres/src/testing\\.ts$|^node_modules/@jest/|^node_modules/fast-check/` },
    },
    {
      name: 'package-not-declared',
      comment: "Name it in the project's own package.json: what is found by luck here is missing where the project is installed alone.",
      severity: 'error',
      from: { path: '/src/', pathNot: `${spec}|^tests/` },
      to: { path: '^node_modules/', dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-found',
      severity: 'error',
      from: { pathNot: '^tools/.*\\.mjs$' },
      to: { couldNotResolve: true, pathNot: '^(bun:|virtual:)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache|\\.nx|\\.strongroom|\\.compiled-[^/]*)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['strongroom-source', 'import', 'node', 'default', 'require', 'types'] },
  },
};
