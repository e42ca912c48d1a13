import { toInstant } from '@strongroom/control-plane-contract';

const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
/** A document with less than this left is signed anew at the next start. */
const RENEW_DAYS = 30;

export interface DatedMembers {
  readonly tenant: string;
  readonly version: number;
  readonly issued_at: string;
  readonly expires_at: string;
}

export function dated(tenant: string, version: number, now: Date): DatedMembers {
  return { tenant, version, issued_at: toInstant(now), expires_at: toInstant(new Date(now.getTime() + VALID_DAYS * DAY_MS)) };
}

/** Whether a document still says what is meant, and will for a while. Compares everything but version and dates. */
export function stillGood<T extends DatedMembers>(standing: T, meant: T, now: Date): boolean {
  const rest = ({ version: _v, issued_at: _i, expires_at: _e, ...others }: DatedMembers): string => JSON.stringify(sorted(others));
  return rest(standing) === rest(meant) && Date.parse(standing.expires_at) - now.getTime() > RENEW_DAYS * DAY_MS;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]));
}
