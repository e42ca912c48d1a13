// Token lint of the Rego: constructs that were measured to fail open, or to throw in WASM only. Needs no OPA.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './policy-opa.mjs';
import { entrypoints, sourceFiles } from './policy-sources.mjs';

const FORBIDDEN = [
  [/\bnot\s+[\w.]+\s*\(/, 'negated call: undefined for an absent argument, and so never fires'],
  [/\bnot\s+[^{}\n]*\bin\b/, 'negated membership: true for a list that is absent'],
  [/\bnot\s+(input|data)\b/, 'negated reference: true for a path that is absent'],
  [/\bsprintf\b/, 'sprintf throws in WASM for objects and null'],
  [/\bformat_int\b/, 'format_int throws in WASM from 2^31'],
  [/\b(time|crypto|http|io|rand|uuid|regex|opa|rego)\.\w+/, 'not a native built-in of the WASM runtime, or not reproducible'],
  [/!=\s*(input|data)\b|\b(input)(\.\w+)+\s*!=/, null],
];
// Comparing for difference is fine where both sides are guarded; these places are.
const GUARDED_DIFFERENCES = new Set(['policies/access/resource.rego', 'policies/release/approvals.rego']);
const OPTIMIZED = /['"\s](-O|--optimize)(=|['"\s\d])/;

/** Code without comments and without the contents of strings. */
function tokens(text) {
  return text.replace(/"(\\.|[^"\\\n])*"/g, '""').replace(/#.*$/gm, '');
}

export function lintRego(path, text) {
  const lines = tokens(text).split('\n');
  const faults = lines.flatMap((line, index) =>
    FORBIDDEN.filter(([pattern, why]) => pattern.test(line) && (why !== null || !GUARDED_DIFFERENCES.has(path))).map(
      ([, why]) => `${path}:${index + 1}: ${why ?? 'difference without a guard: true for another type'}`,
    ),
  );
  const entry = entrypoints.find((name) => path === `policies/${name.split('/')[1]}/decision.rego`);
  if (entry !== undefined) {
    if (!/^default decision := \{\n\t"decision": false,/m.test(text)) faults.push(`${path}: the entry has no default that refuses`);
    for (const needed of ['entrypoint: true', '#   code:', '#   message:', '#   remedy:', '# schemas:']) {
      if (!text.includes(needed)) faults.push(`${path}: METADATA lacks ${needed}`);
    }
  }
  return faults;
}

/** Faults of every source and of the build script; empty when clean. */
export function lintPolicies() {
  const rego = sourceFiles().flatMap((path) => lintRego(path, readFileSync(join(root, path), 'utf8')));
  const build = readFileSync(join(root, 'tools/policy-build.mjs'), 'utf8').replace(/\/\/.*$/gm, '');
  return OPTIMIZED.test(build) ? [...rego, 'tools/policy-build.mjs: optimised builds fold absent data'] : rego;
}

if (process.argv[1]?.endsWith('policy-lint.mjs')) {
  const faults = lintPolicies();
  for (const fault of faults) console.error(fault);
  console.log(`policy-lint: ${sourceFiles().length} files, ${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}
