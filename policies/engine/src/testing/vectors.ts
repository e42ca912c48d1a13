import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBuiltBundle, policiesFolder } from '../built-bundle.js';
import type { AppraisalDecision, AppraisalVector, Decision } from '../decision.js';
import { createPolicyEngine, type PolicyEngine } from '../engine.js';
import type { PolicyProfile } from '../release-input.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Entrypoint = 'access' | 'release' | 'appraisal';
export const PROFILES = ['development', 'production'] as const;
export const ENTRYPOINTS = ['access', 'release', 'appraisal'] as const;

/** One row of a table in `policies/vectors`, with its input written out. */
export interface Vector {
  readonly entrypoint: Entrypoint;
  readonly profile: PolicyProfile;
  readonly name: string;
  readonly input: Json;
  /** JSON pointers at which the row departs from the base that is allowed. */
  readonly changed: readonly string[];
  readonly expected: ExpectedDecision;
}

export interface ExpectedDecision {
  readonly decision: boolean;
  readonly codes: readonly string[];
  /** Ids; absent means that the row says nothing of obligations. */
  readonly obligations?: readonly string[];
  /** Factors in the obligation `approvals.needed`. */
  readonly factors?: Json;
  readonly status?: string;
  readonly vector?: AppraisalVector;
}

interface Table {
  readonly entrypoint: Entrypoint;
  readonly bundle: { readonly revision: number; readonly expires_at: number };
  readonly groups: readonly { readonly profile: PolicyProfile; readonly base: Json; readonly cases: readonly Row[] }[];
}

interface Row extends Omit<ExpectedDecision, 'factors'> {
  readonly name: string;
  readonly set: Readonly<Record<string, Json>>;
  readonly missing?: Json;
  readonly needed?: Json;
}

/** An engine of the built bundle as the tables assume it. */
export function vectorEngine(profile: PolicyProfile): PolicyEngine {
  const { revision, expires_at: expiresAt } = table('release').bundle;
  return createPolicyEngine({ ...loadBuiltBundle(profile), revision, expiresAt });
}

export function table(entrypoint: Entrypoint): Table {
  return JSON.parse(readFileSync(join(policiesFolder(), 'vectors', `${entrypoint}.json`), 'utf8')) as Table;
}

/** Every row of a table. `digests` says what stands for `$policy`, since a digest cannot be written into what it is over. */
export function vectors(entrypoint: Entrypoint, digests: Readonly<Record<PolicyProfile, string>>): Vector[] {
  return table(entrypoint).groups.flatMap(({ profile, base, cases }) =>
    cases.map(({ name, set, missing, needed, ...expected }) => {
      const factors = missing ?? needed;
      return {
        entrypoint,
        profile,
        name,
        input: Object.entries(set).reduce((input, [at, value]) => withValue(input, at, value), substitute(base, digests[profile])),
        changed: Object.keys(set),
        expected: factors === undefined ? expected : { ...expected, factors },
      };
    }),
  );
}

export function decide(engine: PolicyEngine, entrypoint: Entrypoint, input: unknown): Decision | AppraisalDecision {
  if (entrypoint === 'access') return engine.decideAccess(input);
  return entrypoint === 'release' ? engine.decideRelease(input) : engine.decideAppraisal(input);
}

function substitute(value: Json, digest: string): Json {
  if (value === '$policy') return digest;
  if (Array.isArray(value)) return value.map((item: Json) => substitute(item, digest));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, substitute(member, digest)]));
}

/** A copy of `document` with `value` at a JSON pointer (RFC 6901, no escapes); `undefined` takes the member or element out. */
export function withValue(document: Json, pointer: string, value: Json | undefined): Json {
  const [, name, ...rest] = pointer.split('/');
  if (name === undefined) return value ?? null;
  const inner = (at: Json | undefined): Json | undefined =>
    rest.length === 0 ? value : withValue(at ?? null, `/${rest.join('/')}`, value);
  if (Array.isArray(document)) {
    const items = document as readonly Json[];
    const index = Number(name);
    const replaced = inner(items[index]);
    if (replaced === undefined) return items.filter((_, i) => i !== index);
    return index === items.length ? [...items, replaced] : items.map((item, i) => (i === index ? replaced : item));
  }
  const entries = Object.entries(document as Record<string, Json>);
  const known = entries.some(([key]) => key === name) ? entries : [...entries, [name, undefined] as const];
  const replaced = known.map(([key, member]) => [key, key === name ? inner(member) : member] as const);
  return Object.fromEntries(replaced.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
