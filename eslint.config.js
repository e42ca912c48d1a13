// What the compiler does not refuse: promises nobody awaits, `any`, imports against the arrows of docs/development.md.
// The order of the folders inside the server, and cycles, are in .dependency-cruiser.cjs.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const specs = ['**/*.spec.ts', '**/*.contract.ts', '**/testing/**/*.ts', '**/test/**/*.ts', 'tests/**/*.ts', 'control-plane/postgres/src/testing.ts'];
const programs = ['**/src/main.ts', '**/*.spec.ts', 'control-plane/cli/**', 'tools/**', 'tests/**', '.ci/**'];

/** Who may import whom, by the role each package.json names. Arrows point from what changes often to what changes rarely. */
const imports = {
  model: [],
  encoding: [],
  tlog: ['encoding'],
  evidence: ['model', 'encoding'],
  provenance: ['model', 'encoding', 'tlog'],
  appraisal: ['model', 'encoding', 'tlog', 'evidence', 'provenance', 'engine'],
  testing: ['model', 'encoding', 'tlog'],
  bundle: [],
  engine: ['bundle', 'encoding'],
  contract: ['model', 'encoding', 'tlog'],
  postgres: [],
  server: ['contract', 'model', 'encoding', 'tlog', 'evidence', 'provenance', 'appraisal', 'engine', 'postgres', 'enclave'],
  releaser: ['contract', 'model', 'encoding', 'tlog', 'evidence', 'provenance', 'appraisal', 'engine', 'enclave'],
  cli: ['contract', 'encoding', 'tlog', 'enclave', 'prover', 'renderer'],
  console: ['contract'],
  // The attester. It never imports a verifier: evidence, provenance, appraisal.
  collectors: ['model', 'encoding'],
  sealing: ['contract', 'encoding'],
  daemon: ['collectors', 'contract', 'sealing', 'model', 'tlog', 'encoding', 'engine'],
  enclave: ['encoding'],
  prover: ['enclave', 'encoding'],
  renderer: ['enclave', 'encoding'],
  deployments: ['enclave', 'prover', 'renderer', 'engine'],
  tools: ['contract', 'model', 'engine', 'collectors', 'sealing', 'encoding', 'tlog', 'postgres', 'enclave'],
  tests: ['*'],
};

const tags = (roles) => roles.map((role) => (role === '*' ? '*' : `role:${role}`));

function boundaries(besides = []) {
  const depConstraints = Object.entries(imports).map(([role, allowed]) => ({
    sourceTag: `role:${role}`,
    onlyDependOnLibsWithTags: tags([...allowed, ...besides]),
  }));
  return ['error', { depConstraints, enforceBuildableLibDependency: false, banTransitiveDependencies: false }];
}

const onlyFromModel = {
  name: '@strongroom/attestation-model',
  importNames: ['provenClaims'],
  message: 'Only a verifier, under attestation/, may declare claims proven.',
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.cache/**', '.strongroom/**', 'coverage/**', '**/.compiled-*/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNever: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An async function without await still turns a throw into a rejection, which is what its callers expect.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      'eqeqeq': ['error', 'always'],
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-restricted-imports': ['error', { paths: [onlyFromModel] }],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Export by name: a name is found by searching.' }],
      'no-restricted-properties': ['error', { object: 'jest', property: 'mock', message: 'Native ES modules are not hoisted: inject a fake.' }],
    },
  },
  { files: ['attestation/**/*.ts', 'tests/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
  { files: programs, rules: { 'no-console': 'off' } },
  {
    files: specs,
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['testing', 'tests', 'postgres']),
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Jest's matchers are typed as any, and a forged input is often deliberately of the wrong type.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // Integration tests of the server drive the real releaser, as production does over its socket.
    files: ['control-plane/server/test/**/*.ts'],
    plugins: { '@nx': nx },
    rules: { '@nx/enforce-module-boundaries': boundaries(['testing', 'tests', 'postgres', 'releaser']) },
  },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'Buffer', 'URL', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'fetch', 'TextEncoder', 'TextDecoder', 'AbortSignal', 'structuredClone', 'WebAssembly', 'module', 'require', '__dirname'].map((name) => [name, 'readonly']),
      ),
    },
    rules: {
      'no-undef': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      'no-unreachable': 'error',
      'no-dupe-keys': 'error',
      'no-const-assign': 'error',
      'no-redeclare': 'error',
      'no-self-assign': 'error',
      'no-fallthrough': 'error',
      'no-async-promise-executor': 'error',
      'no-unsafe-finally': 'error',
      'no-cond-assign': 'error',
      'valid-typeof': 'error',
      'eqeqeq': ['error', 'always'],
      'no-eval': 'error',
      'prefer-const': 'error',
    },
  },
);
