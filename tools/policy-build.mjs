// Compiles the Rego to policies/dist/policy.wasm and writes the lock. With --check: compiles again and compares the bytes.
// Only -O0: with data set at run time, higher levels were measured to fold absent data into allows.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { findOpa, OPA_VERSION, root, runOpa } from './policy-opa.mjs';
import { entrypoints, lockOf, paths, sourceFiles, staleness } from './policy-sources.mjs';

// Native in OPA's WASM runtime and of use to us. Anything else is a compile-time error: no time, crypto, HTTP or formatting.
const BUILTINS = new Set([
  'abs', 'and', 'array.concat', 'assign', 'count', 'eq', 'equal', 'gt', 'gte', 'internal.member_2', 'internal.member_3', 'is_array',
  'is_boolean', 'is_number', 'is_object', 'is_string', 'lt', 'lte', 'max', 'min', 'minus', 'mul', 'neq', 'object.get', 'object.keys',
  'object.union', 'or', 'plus', 'sort', 'startswith', 'sum',
]);

export function capabilities(opa) {
  const all = JSON.parse(runOpa(opa, ['capabilities', '--current']).toString('utf8'));
  const builtins = all.builtins.filter(({ name }) => BUILTINS.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (builtins.length !== BUILTINS.size) throw new Error('OPA lacks a built-in that the policies use');
  return `${JSON.stringify({ builtins, features: ['rego_v1'] }, null, 1)}\n`;
}

/** The bytes of `name` in a tar.gz of OPA's making. */
function fromTar(archive, name) {
  const tar = gunzipSync(archive);
  for (let at = 0; at + 512 <= tar.length; ) {
    const entry = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0;
    if (entry === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${name} is not in the bundle`);
}

export function compile(opa) {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'));
  try {
    const output = join(folder, 'bundle.tar.gz');
    const wanted = entrypoints.flatMap((entrypoint) => ['-e', entrypoint]);
    runOpa(opa, ['build', '-t', 'wasm', '--capabilities', paths.capabilities, ...wanted, '-o', output, ...sourceFiles()]);
    return fromTar(readFileSync(output), '/policy.wasm');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main() {
  const check = process.argv.includes('--check');
  const opa = findOpa();
  if (!opa) {
    console.error(`policy-build: OPA ${OPA_VERSION} is needed, or Go to build it with`);
    process.exit(2);
  }
  const wantedCapabilities = capabilities(opa);
  if (check) {
    const stale = staleness();
    if (readFileSync(join(root, paths.capabilities), 'utf8') !== wantedCapabilities) stale.push('policies/capabilities.json (rebuilt)');
    if (!compile(opa).equals(readFileSync(join(root, paths.wasm)))) stale.push('policies/dist/policy.wasm (rebuilt)');
    for (const line of stale) console.error(`policy-build: differs: ${line}`);
    console.log(stale.length === 0 ? 'policy-build: the committed bundle is what the sources give, byte for byte' : 'policy-build: run node tools/policy-build.mjs');
    process.exit(stale.length === 0 ? 0 : 1);
  }
  writeFileSync(join(root, paths.capabilities), wantedCapabilities);
  const wasm = compile(opa);
  mkdirSync(join(root, dirname(paths.wasm)), { recursive: true });
  writeFileSync(join(root, paths.wasm), wasm);
  const digest = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  writeFileSync(join(root, paths.lock), `${JSON.stringify(lockOf(digest), null, 2)}\n`);
  console.log(`policy-build: ${paths.wasm}, ${wasm.length} bytes, ${digest}`);
}

if (process.argv[1]?.endsWith('policy-build.mjs')) main();
