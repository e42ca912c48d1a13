/** A place in a JSON value: names and positions from the top. */
export type Place = readonly (string | number)[];

export interface Mutation {
  readonly name: string;
  readonly value: unknown;
}

const STRANGERS: readonly unknown[] = [null, true, 7, -1, 1e300, 1.5, '', '\u0000', '../../etc/passwd', [], {}, [null], { a: { b: 1 } }];

/**
 * Every single fault of shape in a body that is good: each member missing, each replaced by values of other kinds, and one more
 * member in each object. A value that equals the good one is left out; lists are changed in their first element.
 */
export function shapeFaults(good: unknown): readonly Mutation[] {
  return [...places(good)].flatMap((place) => {
    const here = at(good, place);
    const name = `/${place.join('/')}`;
    const replaced = STRANGERS.filter((stranger) => kindOf(stranger) !== kindOf(here) || (typeof stranger === 'string' && typeof here === 'string') || stranger === -1 || stranger === 1e300 || stranger === 1.5)
      .map((stranger) => ({ name: `${name} is ${JSON.stringify(stranger)}`, value: put(good, place, stranger) }));
    const missing = place.length === 0 ? [] : [{ name: `${name} is missing`, value: remove(good, place) }];
    const more = kindOf(here) === 'object' ? [{ name: `${name} has one member more`, value: put(good, [...place, 'colour'], 'red') }] : [];
    return [...replaced, ...missing, ...more];
  });
}

function* places(value: unknown, here: Place = []): Generator<Place> {
  yield here;
  if (here.length > 5) return;
  if (Array.isArray(value)) {
    if (value.length > 0) yield* places(value[0], [...here, 0]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) yield* places(member, [...here, name]);
  }
}

function at(value: unknown, place: Place): unknown {
  return place.reduce((inside, name) => (inside as Record<string | number, unknown>)[name], value);
}

function put(value: unknown, place: Place, member: unknown): unknown {
  const [name, ...rest] = place;
  if (name === undefined) return member;
  const copy: Record<string | number, unknown> = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as never;
  copy[name] = put(copy[name], rest, member);
  return copy;
}

/** Of a list, the list with nothing in it. */
function remove(value: unknown, place: Place): unknown {
  const parent = at(value, place.slice(0, -1));
  const last = place.at(-1);
  if (Array.isArray(parent)) return put(value, place.slice(0, -1), []);
  const { [last as string]: _, ...others } = parent as Record<string, unknown>;
  return put(value, place.slice(0, -1), others);
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}
