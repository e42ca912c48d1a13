import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { policiesFolder } from '../built-bundle.js';
import type { PolicyProfile } from '../release-input.js';
import type { Entrypoint } from './vectors.js';

/** A field that an allowed input may carry in another form without being refused, and why that is right. */
export interface UnreadField {
  readonly why: string;
  /** Profiles in which that is so; absent means in all. */
  readonly profiles?: readonly PolicyProfile[];
}

/** The declared list, by field (positions in arrays written as `*`). */
export function unreadFields(entrypoint: Entrypoint): ReadonlyMap<string, UnreadField> {
  const all = JSON.parse(readFileSync(join(policiesFolder(), 'vectors', 'unread.json'), 'utf8')) as Record<Entrypoint, Record<string, UnreadField>>;
  return new Map(Object.entries(all[entrypoint]));
}
