// Everything that can be said of the Rego: lint and lock without OPA; with it formatting, strict type check against the
// schemas, tests with full coverage, and a rebuild compared byte for byte.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compile, capabilities } from './policy-build.mjs';
import { lintPolicies } from './policy-lint.mjs';
import { findOpa, OPA_VERSION, root } from './policy-opa.mjs';
import { dataFiles, packages, paths, schemaFiles, staleness } from './policy-sources.mjs';

export const MIN_COVERAGE = 100;

/** `opa check` names schemas by file, so they are laid out under their bare names. */
function withSchemaFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'policy-schemas-'));
  try {
    for (const path of schemaFiles()) writeFileSync(join(folder, `${basename(path, '.schema.json')}.json`), readFileSync(join(root, path)));
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Arguments that load data and tables where the Rego tests look for them. */
export function testData() {
  const named = (prefix, path) => `${prefix}.${basename(path, '.json')}:${path}`;
  const tables = ['access', 'appraisal', 'release'].map((name) => named('vectors', `policies/vectors/${name}.json`));
  return [...dataFiles().map((path) => named('fixtures', path)), ...tables];
}

/** Faults found, one line each. `opa` null: only what needs none. */
export function verifyPolicies(opa) {
  const faults = [...lintPolicies(), ...staleness().map((what) => `the lock differs from the tree: ${what}`)];
  if (opa === null) return faults;
  const run = (...args) => spawnSync(opa, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  const need = (what, { status, stdout, stderr }) => {
    if (status !== 0) faults.push(`${what}: ${(stderr + stdout).slice(0, 2000)}`);
  };
  const unformatted = run('fmt', '--list', ...packages);
  if (unformatted.status !== 0 || unformatted.stdout.trim() !== '') faults.push(`opa fmt: ${unformatted.stdout.trim()}`);
  withSchemaFolder((folder) => need('opa check', run('check', '--strict', '--schema', folder, ...packages)));
  const tests = ['test', '--timeout', '120s', ...testData(), ...packages];
  need('opa test', run(...tests));
  need('opa test --coverage', run(...tests, '--coverage', '--threshold', String(MIN_COVERAGE)));
  if (readFileSync(join(root, paths.capabilities), 'utf8') !== capabilities(opa)) faults.push('capabilities.json is not what the build makes');
  if (!compile(opa).equals(readFileSync(join(root, paths.wasm)))) faults.push('policy.wasm is not what the sources give');
  return faults;
}

if (process.argv[1]?.endsWith('policy-verify.mjs')) {
  const opa = findOpa();
  if (opa === null) console.log(`policy-verify: neither OPA ${OPA_VERSION} nor Go here; lint and lock only`);
  const faults = verifyPolicies(opa);
  for (const fault of faults) console.error(fault);
  console.log(`policy-verify: ${faults.length} faults${opa === null ? '' : `; coverage ${MIN_COVERAGE} %, rebuild byte for byte`}`);
  process.exit(faults.length === 0 ? 0 : 1);
}
