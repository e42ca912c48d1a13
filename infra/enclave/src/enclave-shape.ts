import type { Budget } from './budget.js';
import type { Enclave, Environment, Flow, Identity, Key, Store, Zone } from './enclave.js';
import { dictionary, flag, integer, list, oneOf, record, text, type Shape } from './shape.js';

const MAX = Number.MAX_SAFE_INTEGER;
const YEAR_SECONDS = 31_622_400;
const slug = text(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lowercase letters, digits, ".", "_" or "-"', 'Use a short name in lower case.');
const words = text(/^[\x20-\x7e]{3,120}$/, '3 to 120 printable characters', 'Say what it is for.');
const hex = text(/^([0-9a-f]{64}|[0-9a-f]{96})$/, 'a digest of 64 or 96 lowercase hex digits', 'Take the value from a trusted boot.');

const instant: Shape<string> = (value, path, faults) => {
  const good = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(value) && new Date(value).getTime() >= 0;
  const exact = good && new Date(value).toISOString() === `${value.slice(0, 19)}.000Z`;
  return exact ? value : faults.add(path, 'RFC 3339 in UTC to the second', value, 'Write it like 2026-11-22T18:00:00Z.');
};

const zone = record<Zone>({
  name: slug,
  kind: oneOf('weights', 'compute', 'control', 'audit'),
  cidr: text(/^[0-9./]{9,18}$/, 'an IPv4 range such as 10.80.0.0/26', 'Write address/prefix.'),
});

const flow = record<Flow>({
  from: slug,
  to: slug,
  protocol: oneOf('tcp', 'udp'),
  port: integer(1, 65_535, 'the one port'),
  purpose: words,
});

const store = record<Store>({
  name: slug,
  zone: slug,
  holds: oneOf('weights', 'log', 'state'),
  key: slug,
  retention_days: integer(0, 36_500, 'days, 0 for none'),
});

const key = record<Key>({
  name: slug,
  use: oneOf('wrap-shards', 'encrypt-store', 'sign-log'),
  service: oneOf('development', 'aws-kms', 'pkcs11'),
});

const identity = record<Identity>({
  name: slug,
  kind: oneOf('node', 'service'),
  zone: slug,
  reads: list(slug, 0, 64),
  writes: list(slug, 0, 64),
  uses: list(slug, 0, 64),
});

const budget = record<Budget>({
  route: slug,
  window_seconds: integer(1, YEAR_SECONDS, 'the window in seconds, at most a year'),
  relative_cap: record<Budget['relative_cap']>({
    numerator: integer(0, MAX, 'how many times the asset'),
    denominator: integer(1, 1_000_000_000, 'by what the numerator is divided'),
  }),
  absolute_cap_bytes: integer(0, MAX, 'bytes'),
});

const environment = record<Environment>({
  name: slug,
  kind: oneOf('tpm2', 'software'),
  bank: oneOf('sha256', 'sha384'),
  pcrs: dictionary(/^([0-9]|1[0-9]|2[0-3])$/, hex, 'PCR from 0 to 23'),
  expires_at: instant,
});

/** The members of an enclave, each on its own: what one part lacks never hides the faults of another. */
export const enclaveMembers: { readonly [K in keyof Enclave]-?: Shape<Enclave[K]> } = {
  id: slug,
  tenant: slug,
  version: integer(1, 2_147_483_647, 'the version, counting up from 1'),
  profile: oneOf('development', 'production'),
  security_level: record<Enclave['security_level']>({ target: oneOf(1, 2, 3, 4, 5) }),
  zones: list(zone, 1, 64),
  flows: list(flow, 0, 256),
  stores: list(store, 1, 64),
  keys: list(key, 1, 64),
  identities: list(identity, 1, 64),
  budgets: list(budget, 1, 16),
  environments: list(environment, 1, 64),
  evidence: record<Enclave['evidence']>({ kinds: list(oneOf('tpm2', 'software'), 1, 2), require_hardware: flag }),
  lease: record<Enclave['lease']>({
    seconds: integer(1, 3_600, 'seconds'),
    renew_seconds: integer(1, 3_600, 'seconds, fewer than the lease'),
  }),
};
