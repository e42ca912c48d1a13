import { describe, expect, it } from '@jest/globals';
import { canonicalDigest, digestOf } from '@strongroom/attestation-encoding';
import { loadBuiltBundle } from './built-bundle.js';
import { measureDecisionRate } from './decision-rate.js';
import { createPolicyEngine, MAX_INPUT_BYTES, type PolicyEngineOptions } from './engine.js';
import { PolicyError, type PolicyErrorCode } from './errors.js';
import { policyDigestOf } from './policy-digest.js';
import { PROFILES, table, vectorEngine, vectors, withValue, type Entrypoint, type Json } from './testing/vectors.js';

const engine = vectorEngine('production');
const digests = { development: engine.policyDigest, production: engine.policyDigest };
const bundle = loadBuiltBundle('production');
const options = { ...bundle, revision: 1 };

function allowed(entrypoint: Entrypoint): Json {
  const row = vectors(entrypoint, digests).find(({ profile, expected }) => profile === 'production' && expected.decision);
  if (row === undefined) throw new Error('no allowed row');
  return row.input;
}

const codes = ({ reasons }: { reasons: readonly { code: string }[] }): string[] => reasons.map(({ code }) => code);

function codeOf(make: () => unknown): PolicyErrorCode | undefined {
  try {
    make();
  } catch (error) {
    return error instanceof PolicyError ? error.code : undefined;
  }
  return undefined;
}

describe('a question', () => {
  const release = allowed('release');

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['false', false],
    ['zero', 0],
    ['empty text', ''],
    ['a list', []],
    ['a function', () => release],
    ['a big integer', { ...(release as object), now: 1n }],
    ['no number', { ...(release as object), now: Number.NaN }],
    ['infinity', { ...(release as object), now: Number.POSITIVE_INFINITY }],
    ['an integer beyond 2^53', { ...(release as object), now: 2 ** 60 }],
    ['a member too many', { ...(release as object), extra: 1 }],
    ['a member inherited only', Object.create(release as object)],
  ])('of %s is refused, not thrown', (_, input) => {
    const decision = engine.decideRelease(input);
    expect(decision.decision).toBe(false);
    expect(codes(decision)).toEqual(['policy-input-invalid']);
    expect(engine.decideAccess(input).decision).toBe(false);
    expect(engine.decideAppraisal(input)).toMatchObject({ decision: false, status: 'none', vector: { hardware: 0 } });
  });

  it('that contains itself is refused', () => {
    const loop: Record<string, unknown> = { ...(release as object) };
    loop['loop'] = loop;
    expect(codes(engine.decideRelease(loop))).toEqual(['policy-input-invalid']);
  });

  it('whose getter throws is refused', () => {
    const input = Object.defineProperty({ ...(release as object) }, 'now', { enumerable: true, get: () => { throw new Error('no'); } });
    expect(codes(engine.decideRelease(input))).toEqual(['policy-input-invalid']);
  });

  it('is judged as it was written: a getter has no second say', () => {
    let asked = 0;
    const once = { ...(release as object) };
    Object.defineProperty(once, 'action', { enumerable: true, get: () => (asked++ === 0 ? 'delete_log' : 'read_shard') });
    expect(engine.decideRelease(once).decision).toBe(false);
    expect(asked).toBe(1);
  });

  it('that is too long is refused before it is parsed', () => {
    const decision = engine.decideRelease({ ...(release as object), tenant: 'a'.repeat(MAX_INPUT_BYTES) });
    expect(decision.reasons[0]?.message).toContain(`longer than ${MAX_INPUT_BYTES} bytes`);
  });

  it('with a lone surrogate is refused, with a whole pair it is not', () => {
    const ticket = (text: string) => engine.decideRelease(withValue(release, '/request/ticket', text));
    expect(codes(ticket('T-1 \ud83d'))).toEqual(['policy-input-invalid']);
    expect(ticket('T-1 \ud83d\udd11').decision).toBe(true);
  });

  it('never has its values repeated in the refusal', () => {
    const decision = engine.decideRelease(withValue(release, '/tenant', 'Secret Tenant'));
    expect(JSON.stringify(decision)).not.toContain('Secret');
    expect(decision.reasons[0]?.message).toContain('/tenant');
  });

  it('of one kind is no question of another', () => {
    expect(codes(engine.decideAccess(release))).toEqual(['policy-input-invalid']);
    expect(codes(engine.decideRelease(allowed('access')))).toEqual(['policy-input-invalid']);
  });

  it('about the future is answered the same a thousand times', () => {
    const rate = measureDecisionRate(() => engine.decideRelease(release), 1_000);
    expect(rate.decisions).toBe(1_000);
    expect(rate.p99Microseconds).toBeGreaterThanOrEqual(rate.p50Microseconds);
    console.info(`release: ${Math.round(rate.perSecond)} decisions/s, p50 ${Math.round(rate.p50Microseconds)} µs, p99 ${Math.round(rate.p99Microseconds)} µs`);
  });
});

describe('memory', () => {
  const release = allowed('release') as Record<string, Json>;
  const approval = (release['approvals'] as readonly Json[])[0] as Json;
  // 32 votes with the longest credentials: the largest question the schema lets through in this direction.
  const large = withValue(
    release,
    '/approvals',
    Array.from({ length: 32 }, (_, i) => withValue(approval, '/credential', `${String(i).padStart(2, '0')}${'A'.repeat(1_300)}`)),
  );
  const limited = (extra: Partial<PolicyEngineOptions>) =>
    createPolicyEngine({ ...bundle, revision: table('release').bundle.revision, expiresAt: table('release').bundle.expires_at, ...extra });

  it('past its limit refuses that question alone: the engine stays usable', () => {
    const small = limited({ maxMemoryPages: 8 });
    expect(small.policyDigest).toBe(engine.policyDigest);
    expect(small.decideRelease(release).decision).toBe(true);
    expect(codes(small.decideRelease(large))).toEqual(['policy-engine-failed']);
    expect(small.memoryPages).toBe(0);
    expect(small.decideRelease(release).decision).toBe(true);
  });

  it('that grew is given back by throwing the instance away', () => {
    const thrifty = limited({ spareMaxPages: 0 });
    const before = thrifty.memoryPages;
    expect(codes(thrifty.decideRelease(large))).not.toContain('policy-engine-failed');
    expect(thrifty.memoryPages).toBe(0);
    expect(thrifty.decideRelease(allowed('access')).decision).toBe(false);
    expect(thrifty.decideRelease(release).decision).toBe(true);
    expect(before).toBeGreaterThan(0);
  });

  it('stays flat over many questions', () => {
    const pages = () => engine.memoryPages;
    engine.decideRelease(release);
    const before = pages();
    for (let i = 0; i < 2_000; i++) engine.decideRelease(release);
    expect(pages()).toBe(before);
  });

  it('too small for the data is a construction error', () => {
    const texts = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`check.${i}`, { message: 'm'.repeat(300), remedy: 'r'.repeat(300) }]));
    const data = withValue(bundle.data as Json, '/reasons', texts);
    expect(codeOf(() => limited({ data }))).toBeUndefined();
    expect(codeOf(() => limited({ data, maxMemoryPages: 5 }))).toBe('policy-wasm-invalid');
  });
});

describe('an answer', () => {
  it('of another shape than agreed is no answer', () => {
    const schemas = { ...bundle.schemas, decision: { type: 'object', required: ['verdict'] } };
    const odd = createPolicyEngine({ ...options, schemas });
    expect(codes(odd.decideAccess(allowed('access')))).toEqual(['policy-result-invalid']);
  });

  it('of yes with reasons, or no without, is no answer', () => {
    const validate = bundle.schemas.decision as { if: object; then: object; else: object };
    expect(validate.then).toEqual({ properties: { reasons: { maxItems: 0 } } });
    expect(validate.else).toEqual({ properties: { reasons: { minItems: 1 } } });
  });
});

describe('construction', () => {
  it.each(PROFILES)('gives the digest the issue states, in %s', (profile) => {
    const built = loadBuiltBundle(profile);
    const digest = canonicalDigest({
      data_digest: canonicalDigest(built.data),
      revision: 3,
      schema_digest: canonicalDigest(built.schemas),
      wasm_digest: digestOf(built.wasm),
    });
    const made = createPolicyEngine({ ...built, revision: 3 });
    expect(made.policyDigest).toBe(digest);
    expect(policyDigestOf({ ...built, revision: 3 })).toBe(digest);
    expect(made.profile).toBe(profile);
  });

  it('names another digest for another revision, profile, schema or WASM', () => {
    const changed = new Uint8Array(bundle.wasm);
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
    const digestsMade = [
      policyDigestOf(options),
      policyDigestOf({ ...options, revision: 2 }),
      policyDigestOf({ ...options, data: loadBuiltBundle('development').data }),
      policyDigestOf({ ...options, schemas: { ...options.schemas, decision: {} } }),
      policyDigestOf({ ...options, wasm: changed }),
    ];
    expect(new Set(digestsMade).size).toBe(digestsMade.length);
  });

  it('says how many people each action needs', () => {
    expect(engine.requiredFactors('read_shard')).toEqual({ owner: 1, security: 1 });
    for (const name of ['', 'delete_log', 'constructor', '__proto__', 'toString']) expect(engine.requiredFactors(name)).toBeUndefined();
  });

  it.each<[string, Partial<PolicyEngineOptions>, PolicyErrorCode]>([
    ['no WASM', { wasm: new Uint8Array() }, 'policy-wasm-invalid'],
    ['WASM of something else', { wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) }, 'policy-wasm-invalid'],
    ['revision 0', { revision: 0 }, 'policy-bundle-malformed'],
    ['a negative expiry', { expiresAt: -1 }, 'policy-bundle-malformed'],
    ['no data', { data: null }, 'policy-data-invalid'],
    ['empty data', { data: {} }, 'policy-data-invalid'],
    ['no schemas', { schemas: {} as never }, 'policy-schema-invalid'],
    ['a schema with an unknown keyword', { schemas: { ...options.schemas, data: { propertees: {} } } }, 'policy-schema-invalid'],
  ])('refuses %s', (_, change, code) => {
    expect(codeOf(() => createPolicyEngine({ ...options, ...change }))).toBe(code);
  });
});

describe('the floor under policy data', () => {
  const production = bundle.data as Json;
  const without = (pointer: string, code: string): Json => {
    const list = pointer.split('/').slice(1).reduce<Json>((at, name) => (at as Record<string, Json>)[name] ?? null, production);
    return withValue(production, pointer, (list as readonly Json[]).filter((item) => item !== code));
  };
  const laws = ['policy.current', 'approvals.quorum', 'attestation.affirming', 'attestation.hardware', 'budget.room', 'manifest.signed', 'manifest.logged'];

  it.each([
    ...laws.map((code) => [`a release without ${code}`, without('/release/actions/read_shard/checks', code)] as const),
    ...laws.map((code) => [`a renewal without ${code}`, without('/release/actions/renew_lease/checks', code)] as const),
    ['a release without its log entry', without('/release/actions/read_shard/obligations', 'release.log')],
    ['a release by one person', withValue(production, '/release/actions/read_shard/quorum', { owner: 1 })],
    ['a node that one person registers', withValue(production, '/release/min_node_registrars', 1)],
    ['a manifest with one signer', withValue(production, '/manifest/roles', ['owner'])],
    ['a release that debits nothing', withValue(production, '/release/actions/read_shard/debits', false)],
    ['votes on one\'s own request', without('/access/actions/request.approve/checks', 'separation.requester')],
    ['votes by services', withValue(production, '/access/actions/request.approve/subject_types', ['person', 'service'])],
    ['auditors who act', without('/access/actions/request.create/checks', 'separation.auditor')],
    ['an appraisal without a bound key', without('/appraisal/purposes/release/checks', 'evidence.key')],
    ['software that vouches for hardware', withValue(production, '/evidence/hardware_kinds', ['tpm2', 'software'])],
    ['production without hardware', withValue(production, '/evidence/require_hardware', false)],
    ['production with software evidence', withValue(production, '/evidence/kinds', ['tpm2', 'software'])],
    ['production with the software authenticator', withValue(production, '/authenticators/0', '5374726f-6e67-4f6f-8d00-000000000001')],
    ['development data renamed to production', withValue(loadBuiltBundle('development').data as Json, '/profile', 'production')],
  ] as readonly (readonly [string, Json])[])('does not let through %s', (_, data) => {
    expect(codeOf(() => createPolicyEngine({ ...options, data }))).toBe('policy-data-invalid');
  });

  it('lets data be tightened', () => {
    const tighter = withValue(withValue(production, '/release/actions/read_shard/quorum', { owner: 2, security: 1 }), '/lease/seconds', 30);
    expect(createPolicyEngine({ ...options, data: tighter }).requiredFactors('read_shard')).toEqual({ owner: 2, security: 1 });
  });
});
