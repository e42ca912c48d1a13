import { digestOf } from '@strongroom/attestation-encoding';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PolicyError } from './errors.js';
import type { PolicyProfile } from './release-input.js';
import { SCHEMA_NAMES, type PolicySchemas, type SchemaName } from './schemas.js';

/** What {@link createPolicyEngine} needs beside a revision. */
export interface BuiltBundle {
  readonly wasm: Uint8Array;
  readonly data: Readonly<Record<string, unknown>>;
  readonly schemas: PolicySchemas;
}

interface Lock {
  readonly wasm?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly schemas?: Readonly<Record<string, string>>;
}

/** The folder of the package that owns the Rego and the bundle. */
export function policiesFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@strongroom/policies/package.json'));
}

/**
 * Reads the bundle that is committed with the Rego, for one profile, comparing every file with the lock. The texts of the
 * reasons, which profiles share, become the member `reasons` of the data.
 *
 * @throws PolicyError `policy-bundle-malformed` (a file missing or not JSON) | `policy-bundle-stale` (a file is not the locked one)
 */
export function loadBuiltBundle(profile: PolicyProfile, folder: string = policiesFolder()): BuiltBundle {
  const lock = (readJson(readBytes(folder, 'dist/policy.lock.json')) ?? {}) as Lock;
  const locked = (path: string, digest: string | undefined): Uint8Array => {
    const bytes = readBytes(folder, path);
    if (digest === undefined || digestOf(bytes) !== digest) {
      throw new PolicyError('policy-bundle-stale', `${path} is not the file that the bundle was locked with`);
    }
    return bytes;
  };
  const data = (name: string): Record<string, unknown> =>
    readJson(locked(`data/${name}.json`, lock.data?.[`policies/data/${name}.json`])) as Record<string, unknown>;
  const schema = (name: SchemaName): unknown =>
    readJson(locked(`schemas/${name}.schema.json`, lock.schemas?.[`policies/schemas/${name}.schema.json`]));
  return {
    wasm: locked('dist/policy.wasm', lock.wasm),
    data: { ...data(profile), reasons: data('reasons') },
    schemas: Object.fromEntries(SCHEMA_NAMES.map((name) => [name, schema(name)])) as unknown as PolicySchemas,
  };
}

function readBytes(folder: string, path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(join(folder, path)));
  } catch (cause) {
    throw new PolicyError('policy-bundle-malformed', `${path} cannot be read`, { cause });
  }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PolicyError('policy-bundle-malformed', 'a file of the bundle is not JSON', { cause });
  }
}
