// What the policy bundle is made of, and the lock that says so. Needs no OPA: staleness is a matter of hashes.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPA_VERSION, root } from './policy-opa.mjs';

export const packages = ['policies/lib', 'policies/access', 'policies/appraisal', 'policies/release'];
export const entrypoints = ['strongroom/access/decision', 'strongroom/appraisal/decision', 'strongroom/release/decision'];
export const paths = {
  capabilities: 'policies/capabilities.json',
  wasm: 'policies/dist/policy.wasm',
  lock: 'policies/dist/policy.lock.json',
};

export function digestOfFile(path) {
  return `sha256:${createHash('sha256').update(readFileSync(join(root, path))).digest('hex')}`;
}

function files(folder, wanted) {
  return readdirSync(join(root, folder)).filter(wanted).map((name) => `${folder}/${name}`).sort();
}

export const regoFiles = () => packages.flatMap((folder) => files(folder, (name) => name.endsWith('.rego')));
export const sourceFiles = () => regoFiles().filter((path) => !path.endsWith('_test.rego'));
export const testFiles = () => regoFiles().filter((path) => path.endsWith('_test.rego'));
export const schemaFiles = () => files('policies/schemas', (name) => name.endsWith('.schema.json'));
export const dataFiles = () => files('policies/data', (name) => name.endsWith('.json'));

/** The lock of the tree as it stands, for a compiled bundle of this digest. */
export function lockOf(wasmDigest) {
  const digests = (list) => Object.fromEntries(list.map((path) => [path, digestOfFile(path)]));
  return {
    opa: OPA_VERSION,
    optimize: 0,
    entrypoints,
    wasm: wasmDigest,
    capabilities: digestOfFile(paths.capabilities),
    sources: digests(sourceFiles()),
    schemas: digests(schemaFiles()),
    data: digests(dataFiles()),
  };
}

/** Lines of what differs between the committed lock and the tree; empty when the bundle is current. */
export function staleness() {
  const committed = JSON.parse(readFileSync(join(root, paths.lock), 'utf8'));
  const actual = lockOf(digestOfFile(paths.wasm));
  const flat = (value, prefix = '') =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, member]) => flat(member, `${prefix}${prefix ? ' ' : ''}${key}`))
      : [[prefix, value]];
  const now = new Map(flat(actual));
  const then = new Map(flat(committed));
  return [...new Set([...now.keys(), ...then.keys()])].filter((key) => now.get(key) !== then.get(key)).sort();
}
