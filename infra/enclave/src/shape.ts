import type { Faults } from './faults.js';

/** Reads one value: the value as its type, or undefined after having told every fault in it. */
export type Shape<T> = (value: unknown, path: string, faults: Faults) => T | undefined;

/** A plain object with exactly these members. */
export function record<T extends object>(members: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(members) as (keyof T & string)[];
  return (value, path, faults) => {
    if (!isRecord(value)) return faults.add(path, 'an object', value, `Write an object with ${names.join(', ')}.`);
    const before = faults.count;
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(members, name)) faults.add(`${path}/${name}`, 'no such member', value[name], `Take it out; known are ${names.join(', ')}.`);
    }
    const read = names.map((name) => [name, members[name](ownMember(value, name), `${path}/${name}`, faults)] as const);
    return faults.count === before ? (Object.freeze(Object.fromEntries(read)) as T) : undefined;
  };
}

export function list<T>(item: Shape<T>, least: number, most: number): Shape<readonly T[]> {
  return (value, path, faults) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      return faults.add(path, `a list of ${least} to ${most}`, value, 'List what the enclave has, no more.');
    }
    const before = faults.count;
    const read = value.map((member, index) => item(member, `${path}/${index}`, faults));
    return faults.count === before ? (Object.freeze(read) as readonly T[]) : undefined;
  };
}

export function text(pattern: RegExp, expected: string, remedy: string): Shape<string> {
  return (value, path, faults) => (typeof value === 'string' && pattern.test(value) ? value : faults.add(path, expected, value, remedy));
}

export function integer(least: number, most: number, unit: string): Shape<number> {
  return (value, path, faults) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : faults.add(path, `an integer from ${least} to ${most}`, value, `State ${unit}.`);
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return (value, path, faults) =>
    (values as readonly unknown[]).includes(value) ? (value as T) : faults.add(path, `one of ${values.join(', ')}`, value, 'Choose one of these.');
}

export const flag: Shape<boolean> = (value, path, faults) =>
  typeof value === 'boolean' ? value : faults.add(path, 'true or false', value, 'Say which; nothing is assumed.');

/** A map with names of one form; never empty. */
export function dictionary<T>(name: RegExp, item: Shape<T>, expectedName: string): Shape<Readonly<Record<string, T>>> {
  return (value, path, faults) => {
    if (!isRecord(value) || Object.keys(value).length === 0) return faults.add(path, 'an object with members', value, `Name each ${expectedName}.`);
    const before = faults.count;
    const read = Object.entries(value).map(([key, member]) => {
      if (!name.test(key)) faults.add(`${path}/${key}`, expectedName, key, 'Name it so.');
      return [key, item(member, `${path}/${key}`, faults)] as const;
    });
    return faults.count === before ? (Object.freeze(Object.fromEntries(read)) as Readonly<Record<string, T>>) : undefined;
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A member named like one of Object.prototype's is absent unless it is the object's own.
function ownMember(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
