import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { policiesFolder } from '../built-bundle.js';

/** The scripts of `tools/` that concern the policies; plain Node, so that they run before anything is installed. */
interface PolicyTools {
  lintRego(path: string, text: string): readonly string[];
  lintPolicies(): readonly string[];
  staleness(): readonly string[];
  findOpa(options?: { build?: boolean }): string | null;
  runOpa(opa: string, args: readonly string[], options?: { input?: string }): Uint8Array;
  verifyPolicies(opa: string | null): readonly string[];
  sourceFiles(): readonly string[];
}

export async function policyTools(): Promise<PolicyTools> {
  const loaded: object[] = [];
  // One after the other: the test runner's loader does not link the same module twice at once.
  for (const name of ['policy-opa', 'policy-sources', 'policy-lint', 'policy-verify']) {
    loaded.push((await import(pathToFileURL(join(policiesFolder(), '..', 'tools', `${name}.mjs`)).href)) as object);
  }
  return Object.assign({}, ...loaded) as PolicyTools;
}
