import { describe, expect, it } from '@jest/globals';
import { FAULT_COUNT, fieldOf, mutantsOf } from './testing/mutants.js';
import { unreadFields } from './testing/unread.js';
import { decide, ENTRYPOINTS, PROFILES, vectorEngine, vectors, type Entrypoint } from './testing/vectors.js';

const engines = { development: vectorEngine('development'), production: vectorEngine('production') };
const digests = { development: engines.development.policyDigest, production: engines.production.policyDigest };

// One in five, shifted from row to row, so that every field meets every fault somewhere; all of them when asked for.
const STRIDE = process.env['STRONGROOM_ALL_MUTANTS'] === '1' ? 1 : 5;

function everyNth<T>(items: readonly T[], shift: number): readonly T[] {
  return items.filter((_, index) => (index + shift) % STRIDE === 0);
}

describe.each(ENTRYPOINTS)('single faults in the input of %s', (entrypoint: Entrypoint) => {
  it.each(PROFILES)('none survives in %s outside the fields declared unread, and each of those is needed', (profile) => {
    const declared = unreadFields(entrypoint);
    const survived = new Set<string>();
    const surprises: string[] = [];
    let tried = 0;
    let kept = 0;
    for (const row of vectors(entrypoint, digests)) {
      if (row.profile !== profile || !row.expected.decision) continue;
      for (const mutant of mutantsOf(row.input)) {
        tried++;
        if (!decide(engines[profile], entrypoint, mutant.input).decision) continue;
        kept++;
        survived.add(fieldOf(mutant.pointer));
        if (!declared.has(fieldOf(mutant.pointer))) surprises.push(`${row.name}: ${mutant.pointer} ${mutant.fault}`);
      }
    }
    console.info(`${entrypoint} ${profile}: ${tried} mutants of allowed inputs (${FAULT_COUNT} faults), ${kept} still allowed, all in ${survived.size} unread fields`);
    expect(tried).toBeGreaterThan(100);
    expect(surprises).toEqual([]);
    expect([...declared.keys()].filter((field) => !survived.has(field) && (declared.get(field)?.profiles ?? PROFILES).includes(profile))).toEqual([]);
  });

  // A fault in the very field that was refused may happen to mend it (another person, a ticket); anywhere else nothing may.
  it('none turns a refusal of the production policy into an allow', () => {
    const turned: string[] = [];
    let tried = 0;
    for (const [number, row] of vectors(entrypoint, digests).entries()) {
      if (row.profile !== 'production' || row.expected.decision) continue;
      const atFault = row.changed.map(fieldOf);
      const elsewhere = mutantsOf(row.input).filter(({ pointer }) => !atFault.some((field) => fieldOf(pointer).startsWith(field)));
      for (const mutant of everyNth(elsewhere, number)) {
        tried++;
        if (decide(engines.production, entrypoint, mutant.input).decision) turned.push(`${row.name}: ${mutant.pointer} ${mutant.fault}`);
      }
    }
    console.info(`${entrypoint} production: ${tried} mutants of refused inputs, ${turned.length} allowed`);
    expect(tried).toBeGreaterThan(100);
    expect(turned).toEqual([]);
  });

  it('no input that development allows, and no mutant of one, is allowed by production', () => {
    const turned: string[] = [];
    for (const row of vectors(entrypoint, { ...digests, development: digests.production })) {
      if (row.profile !== 'development' || !row.expected.decision) continue;
      for (const { pointer, fault, input } of [{ pointer: '', fault: 'none', input: row.input }, ...mutantsOf(row.input)]) {
        if (decide(engines.production, entrypoint, input).decision) turned.push(`${row.name}: ${pointer} ${fault}`);
      }
    }
    expect(turned).toEqual([]);
  });
});
