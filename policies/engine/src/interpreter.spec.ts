import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { canonicalBytes } from '@strongroom/attestation-encoding';
import { loadBuiltBundle } from './built-bundle.js';
import { mutantsOf } from './testing/mutants.js';
import { policyTools } from './testing/policy-tools.js';
import { ENTRYPOINTS, PROFILES, table, vectorEngine, vectors, type Entrypoint, type Json } from './testing/vectors.js';
import type { PolicyProfile } from './release-input.js';
import { WasmPolicy } from './wasm-policy.js';

const tools = await policyTools();
const opa = tools.findOpa({ build: process.env['STRONGROOM_BUILD_OPA'] === '1' });
const engines = { development: vectorEngine('development'), production: vectorEngine('production') };
const digests = { development: engines.development.policyDigest, production: engines.production.policyDigest };

// One mutant in so many, shifted from row to row: the interpreter is an order of magnitude slower than the WASM.
const STRIDE = process.env['STRONGROOM_ALL_MUTANTS'] === '1' ? 1 : 97;

function inputsOf(entrypoint: Entrypoint, profile: PolicyProfile): Json[] {
  return vectors(entrypoint, digests)
    .filter((row) => row.profile === profile)
    .flatMap((row, number) => [row.input, ...mutantsOf(row.input).flatMap(({ input }, at) => ((at + number) % STRIDE === 0 ? [input] : []))]);
}

function documentOf(profile: PolicyProfile) {
  return { config: loadBuiltBundle(profile).data, bundle: { ...table('release').bundle, digest: digests[profile] } };
}

/** What OPA's own interpreter answers, without any schema in front of it. */
function interpret(opaPath: string, entrypoint: Entrypoint, profile: PolicyProfile, inputs: readonly Json[]): readonly unknown[] {
  const folder = mkdtempSync(join(tmpdir(), 'policy-diff-'));
  try {
    writeFileSync(join(folder, 'data.json'), JSON.stringify(documentOf(profile)));
    writeFileSync(join(folder, 'input.json'), JSON.stringify({ inputs }));
    const query = `[answer | some one in input.inputs; answer := data.strongroom.${entrypoint}.decision with input as one]`;
    const files = tools.sourceFiles().flatMap((file) => ['-d', file]);
    const output = tools.runOpa(opaPath, ['eval', '-f', 'raw', '-d', join(folder, 'data.json'), '-i', join(folder, 'input.json'), ...files, query]);
    return JSON.parse(new TextDecoder().decode(output)) as unknown[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

(opa === null ? describe.skip : describe)('the WASM build against the interpreter', () => {
  it.each(ENTRYPOINTS.flatMap((entrypoint) => PROFILES.map((profile) => [entrypoint, profile] as const)))(
    'answers %s in %s alike, for well-formed and malformed input',
    (entrypoint, profile) => {
      const inputs = inputsOf(entrypoint, profile);
      const name = `strongroom/${entrypoint}/decision`;
      const wasm = new WasmPolicy(loadBuiltBundle(profile).wasm, canonicalBytes(documentOf(profile)), 512, 64, [name]);
      const compiled = inputs.map((input) => (wasm.evaluate(name, new TextEncoder().encode(JSON.stringify(input))) as [{ result: unknown }])[0].result);
      const interpreted = interpret(opa ?? '', entrypoint, profile, inputs);
      const differing = inputs.filter((_, at) => !isDeepStrictEqual(compiled[at], interpreted[at]));
      console.info(`${entrypoint} ${profile}: ${inputs.length} inputs, ${differing.length} answered differently`);
      expect(interpreted).toHaveLength(inputs.length);
      expect(differing).toEqual([]);
    },
    180_000,
  );
});
