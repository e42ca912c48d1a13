import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBuiltBundle, policiesFolder } from './built-bundle.js';

interface Actions {
  readonly actions: Readonly<Record<string, { readonly checks: readonly string[]; readonly obligations: readonly string[] }>>;
}

describe('docs/protocol/policy.md', () => {
  const page = readFileSync(join(policiesFolder(), '..', 'docs', 'protocol', 'policy.md'), 'utf8');
  const { data } = loadBuiltBundle('production');
  const actions = [data['release'], data['access']].flatMap((part) => Object.values((part as Actions).actions));

  it('names every check, and each check has a text', () => {
    const purposes = Object.values((data['appraisal'] as { purposes: Record<string, { checks: string[] }> }).purposes);
    const codes = new Set([...actions, ...purposes].flatMap(({ checks }) => checks));
    expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
    expect([...codes].filter((code) => !Object.hasOwn(data['reasons'] as object, code))).toEqual([]);
    expect(Object.keys(data['reasons'] as object).filter((code) => !codes.has(code))).toEqual([]);
  });

  it('names every obligation', () => {
    expect(actions.flatMap(({ obligations }) => obligations).filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  });
});
