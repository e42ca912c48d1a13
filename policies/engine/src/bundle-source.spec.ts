import { describe, expect, it } from '@jest/globals';
import { policyTools } from './testing/policy-tools.js';

const tools = await policyTools();
const opa = tools.findOpa({ build: process.env['STRONGROOM_BUILD_OPA'] === '1' });

describe('the committed bundle', () => {
  it('was locked with the Rego, schemas, data and capabilities of this tree', () => {
    expect(tools.staleness()).toEqual([]);
  });

  it('is of Rego without constructs that fail open', () => {
    expect(tools.lintPolicies()).toEqual([]);
  });

  it.each([
    ['a negated call', 'x if not is_string(input.a)'],
    ['a negated membership', 'x if not "a" in input.list'],
    ['a negated reference', 'x if not input.denied'],
    ['formatting', 'x := sprintf("%v", [1])'],
    ['integer formatting', 'x := format_int(1, 10)'],
    ['time', 'x := time.now_ns()'],
    ['an unguarded difference', 'x if input.a != "b"'],
  ])('would be faulted for %s', (_, rego) => {
    expect(tools.lintRego('policies/lib/x.rego', `package x\n\n${rego}\n`)).toHaveLength(1);
    expect(tools.lintRego('policies/lib/x.rego', `package x\n\n# ${rego}\n`)).toEqual([]);
  });

  (opa === null ? it.skip : it)(
    'is what the pinned OPA gives byte for byte; its Rego is formatted, strictly typed and tested to full coverage',
    () => {
      expect(tools.verifyPolicies(opa)).toEqual([]);
    },
    180_000,
  );
});
