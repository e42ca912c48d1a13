import { withValue, type Json } from './vectors.js';

/** One fault in one place of an input. */
export interface Mutant {
  readonly pointer: string;
  readonly fault: string;
  readonly input: Json;
}

type Change = (value: Json) => Json | undefined;

const FAULTS: Readonly<Record<string, Change>> = {
  deleted: () => undefined,
  null: () => null,
  'empty text': () => '',
  'another type: number': (value) => (typeof value === 'number' ? String(value) : 7),
  'another type: text': (value) => (typeof value === 'string' ? [value] : 'x'),
  'another type: boolean': (value) => (typeof value === 'boolean' ? String(value) : true),
  'another type: array': (value) => (Array.isArray(value) ? { 0: value[0] ?? null } : [value]),
  'another type: object': (value) => ({ value }),
  negative: (value) => (typeof value === 'number' ? -value - 1 : -1),
  huge: () => Number.MAX_SAFE_INTEGER,
  'beyond exact': () => 1e300,
  'a fraction': (value) => (typeof value === 'number' ? value + 0.5 : 0.5),
  'not a number': () => 'NaN',
  'swapped case': (value) => (typeof value === 'string' ? swapCase(value) : value),
  'trailing space': (value) => (typeof value === 'string' ? `${value} ` : value),
  twice: (value) => twice(value),
};

export const FAULT_COUNT = Object.keys(FAULTS).length;

/** Every leaf and every container of `input`, each with every fault that changes it. */
export function mutantsOf(input: Json): Mutant[] {
  const whole = JSON.stringify(input);
  return pointersOf(input).flatMap(([pointer, value]) =>
    Object.entries(FAULTS)
      .map(([fault, change]) => ({ pointer, fault, input: withValue(input, pointer, change(value)) }))
      .filter((mutant) => JSON.stringify(mutant.input) !== whole),
  );
}

/** The pointer with positions in arrays written as `*`: one name for one field. */
export function fieldOf(pointer: string): string {
  return pointer.replace(/\/\d+(?=\/|$)/g, '/*');
}

function pointersOf(value: Json, prefix = ''): [string, Json][] {
  if (typeof value !== 'object' || value === null) return [[prefix, value]];
  const inner = Object.entries(value).flatMap(([name, member]) => pointersOf(member, `${prefix}/${name}`));
  return prefix === '' ? inner : [[prefix, value], ...inner];
}

function swapCase(text: string): string {
  return [...text].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join('');
}

function twice(value: Json): Json {
  if (typeof value === 'string') return value + value;
  return Array.isArray(value) ? [...(value as Json[]), ...(value as Json[])] : value;
}
