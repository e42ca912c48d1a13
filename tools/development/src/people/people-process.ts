import { mkdirSync } from 'node:fs';
import { found, type Founding } from '../genesis/found.js';
import type { PlatformFacts } from '../genesis/platform-keys.js';
import { openPersons } from './person.js';
import { People, type PeopleSite } from './people.js';
import { toAnswer, type PeopleCall } from './remote-people.js';

/**
 * The people, in a process of their own: the launcher asks over the pipe between them, and never sees a key. The process ends with
 * the pipe, so with the launcher.
 */
let people: People | undefined;

const handlers: { readonly [name: string]: (...args: never[]) => unknown } = {
  found: (facts: PlatformFacts, peopleFolder: string): Founding => {
    mkdirSync(peopleFolder, { recursive: true, mode: 0o700 });
    return found(facts, openPersons(peopleFolder), new Date());
  },
  connect: (site: PeopleSite): null => {
    people = new People(site);
    return null;
  },
};

async function answer({ id, method, args }: PeopleCall): Promise<void> {
  const reply = await toAnswer(id, () => {
    const own = handlers[method];
    if (own !== undefined) return own(...(args as never[]));
    if (people === undefined) throw new Error('the people are not connected');
    // Only what the launcher's typed side can name arrives here; both sides are one program.
    const target = people as unknown as Record<string, (...given: unknown[]) => unknown>;
    return target[method]?.(...args);
  });
  process.send?.(reply);
}

// Ctrl-C in the terminal is the launcher's to handle, in its order.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => void answer(message as PeopleCall));
process.title = 'strongroom-people';
