import type { ValidateFunction } from 'ajv/dist/2020.js';
import { canonicalBytes, type Digest } from '@strongroom/attestation-encoding';
import type { AppraisalDecision, Decision } from './decision.js';
import { PolicyError } from './errors.js';
import { policyDigestOf, type PolicyIdentity } from './policy-digest.js';
import { appraisalRefusal, refusal } from './refusal.js';
import type { PolicyProfile } from './release-input.js';
import { compileSchemas, firstFault, type SchemaName, type Validators } from './schemas.js';
import { WasmPolicy } from './wasm-policy.js';

export interface PolicyEngineOptions extends PolicyIdentity {
  /** Integer epoch seconds until which the bundle is signed to serve; without it only the horizon in policy data bounds it. */
  readonly expiresAt?: number;
  /** Most memory an instance may ever hold, in pages of 64 KiB; default 512 (32 MiB). Past it the question is refused. */
  readonly maxMemoryPages?: number;
  /** Growth, in pages, after which an instance is thrown away; default 64 (4 MiB). Memory of an instance never shrinks. */
  readonly spareMaxPages?: number;
}

/** Distinct people needed, by factor. */
export type RequiredFactors = Readonly<Partial<Record<'owner' | 'security' | 'executive', number>>>;

/** Longest question, as JSON bytes. */
export const MAX_INPUT_BYTES = 262_144;
const LONE_SURROGATE = /\\ud[89a-f]/i;
const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

const ENTRYPOINTS = {
  access: 'strongroom/access/decision',
  release: 'strongroom/release/decision',
  appraisal: 'strongroom/appraisal/decision',
} as const;

/**
 * The policy decision point, in process. Answers are values: whatever goes wrong with a question is a refusal with a code
 * (`policy-input-invalid`, `policy-engine-failed`, `policy-result-invalid`) and the engine stays usable.
 * Synchronous; one evaluation at a time.
 */
export class PolicyEngine {
  readonly policyDigest: Digest;
  readonly revision: number;
  readonly expiresAt: number;
  readonly profile: PolicyProfile;
  readonly #validators: Validators;
  readonly #quorums: Readonly<Record<string, RequiredFactors>>;
  readonly #policy: WasmPolicy;

  /** @throws PolicyError see {@link createPolicyEngine} */
  constructor(options: PolicyEngineOptions) {
    const { wasm, data, revision, expiresAt = MAX_INTEGER } = options;
    this.#validators = compileSchemas(options.schemas);
    this.profile = assertData(this.#validators, data);
    this.#quorums = quorumsOf(data as PolicyData);
    this.policyDigest = policyDigestOf(options);
    this.revision = revision;
    this.expiresAt = expiresAt;
    const bundle = { digest: this.policyDigest, revision, expires_at: expiresAt };
    assertValid(this.#validators.bundle, bundle, 'policy-bundle-malformed', 'revision or expiry');
    const document = canonicalBytes({ config: data, bundle });
    const { maxMemoryPages = 512, spareMaxPages = 64 } = options;
    this.#policy = new WasmPolicy(wasm, document, maxMemoryPages, spareMaxPages, Object.values(ENTRYPOINTS));
  }

  /** @param input an AccessInput; its shape is judged here, so it may come from anywhere. */
  decideAccess(input: unknown): Decision {
    return this.#decide('access', 'access-input', 'decision', input);
  }

  /** @param input a ReleaseInput; its shape is judged here, so it may come from a log. */
  decideRelease(input: unknown): Decision {
    return this.#decide('release', 'release-input', 'decision', input);
  }

  /** @param input an AppraisalInput; its shape is judged here. */
  decideAppraisal(input: unknown): AppraisalDecision {
    const decision = this.#decide('appraisal', 'appraisal-input', 'appraisal-decision', input);
    return isAppraisal(decision) ? decision : appraisalRefusal(decision);
  }

  /** Least number of distinct people by factor that policy data asks of a release action; undefined for an action it does not name. */
  requiredFactors(action: string): RequiredFactors | undefined {
    return Object.hasOwn(this.#quorums, action) ? this.#quorums[action] : undefined;
  }

  /** Memory pages (64 KiB) of the instance in use; 0 when the next question makes a new one. */
  get memoryPages(): number {
    return this.#policy.memoryPages;
  }

  #decide(entrypoint: keyof typeof ENTRYPOINTS, inputSchema: SchemaName, answerSchema: SchemaName, input: unknown): Decision {
    let bytes: Uint8Array;
    try {
      // What is validated is what was written, not the object it came from: getters and toJSON get no second say.
      const text = JSON.stringify(input) ?? '';
      // A lone surrogate is written as an escape: the one thing JSON carries that UTF-8, and so other parsers, cannot.
      if (LONE_SURROGATE.test(text)) return refusal('policy-input-invalid', 'text with a lone surrogate');
      bytes = new TextEncoder().encode(text);
      if (bytes.length > MAX_INPUT_BYTES) return refusal('policy-input-invalid', `longer than ${MAX_INPUT_BYTES} bytes`);
      const validate = this.#validators[inputSchema];
      if (!validate(JSON.parse(new TextDecoder().decode(bytes)))) return refusal('policy-input-invalid', firstFault(validate));
    } catch {
      return refusal('policy-input-invalid');
    }
    try {
      return this.#answer(this.#policy.evaluate(ENTRYPOINTS[entrypoint], bytes), answerSchema);
    } catch {
      return refusal('policy-engine-failed');
    }
  }

  /** Exactly one result, of exactly the agreed shape; anything else is no answer. */
  #answer(results: unknown, answerSchema: SchemaName): Decision {
    if (!Array.isArray(results) || results.length !== 1) return refusal('policy-result-invalid');
    const result: unknown = (results[0] as { result?: unknown } | null)?.result;
    return this.#validators[answerSchema](result) ? (result as Decision) : refusal('policy-result-invalid');
  }
}

/**
 * Makes an engine of one bundle, compiled once.
 *
 * Does not say who signed the bundle: that is the policy envelope's business, over {@link policyDigestOf}.
 *
 * @throws PolicyError `policy-schema-invalid`, `policy-data-invalid` (data is not of its schema, or goes below the floor that
 * no data may go below), `policy-bundle-malformed` (revision or expiry), `policy-wasm-invalid`.
 */
export function createPolicyEngine(options: PolicyEngineOptions): PolicyEngine {
  return new PolicyEngine(options);
}

/** What the engine itself reads of data that its schema has passed. */
interface PolicyData {
  readonly release: { readonly actions: Readonly<Record<string, { readonly quorum: RequiredFactors }>> };
}

function quorumsOf({ release }: PolicyData): Readonly<Record<string, RequiredFactors>> {
  const entries = Object.entries(release.actions).map(([action, { quorum }]) => [action, Object.freeze({ ...quorum })] as const);
  return Object.freeze(Object.fromEntries(entries));
}

function isAppraisal(decision: Decision): decision is AppraisalDecision {
  return 'status' in decision;
}

function assertData(validators: Validators, data: unknown): PolicyProfile {
  assertValid(validators.data, data, 'policy-data-invalid', 'policy data');
  assertValid(validators['data-floor'], data, 'policy-data-invalid', 'policy data, below the floor');
  return (data as { profile: PolicyProfile }).profile;
}

function assertValid(validate: ValidateFunction, value: unknown, code: 'policy-data-invalid' | 'policy-bundle-malformed', what: string): void {
  if (!validate(value)) throw new PolicyError(code, `${what}: ${firstFault(validate)}`);
}
