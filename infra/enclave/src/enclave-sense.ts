import { isPrivate, overlaps, parseCidr } from './cidr.js';
import type { Enclave } from './enclave.js';
import type { Faults } from './faults.js';

/** An enclave of which some parts may be missing, since they were not of their shape. */
export type PartialEnclave = Partial<Enclave>;

/** What shapes cannot say: how the parts of an enclave hang together. Parts that are missing are passed over. */
export function findNonsense(enclave: PartialEnclave, faults: Faults): void {
  for (const member of ['zones', 'stores', 'keys', 'identities', 'environments'] as const) unique(enclave[member], `/${member}`, 'name', faults);
  unique(enclave.budgets, '/budgets', 'route', faults);
  addressing(enclave, faults);
  flows(enclave, faults);
  stores(enclave, faults);
  identities(enclave, faults);
  limits(enclave, faults);
  evidence(enclave, faults);
  if (enclave.profile === 'production') production(enclave, faults);
}

function unique<K extends string>(items: readonly { readonly [P in K]: string }[] | undefined, path: string, name: K, faults: Faults): void {
  const seen = new Set<string>();
  items?.forEach((item, i) => {
    if (seen.has(item[name])) faults.add(`${path}/${i}/${name}`, 'a name of its own', item[name], 'Rename one of the two.');
    seen.add(item[name]);
  });
}

function known(name: string, among: readonly { readonly name: string }[] | undefined, path: string, what: string, faults: Faults): void {
  if (among !== undefined && !among.some((item) => item.name === name)) faults.add(path, `the name of a ${what}`, name, `Declare the ${what}, or name one that is declared.`);
}

function addressing({ zones = [] }: PartialEnclave, faults: Faults): void {
  const ranges = zones.map(({ cidr }, i) => {
    const path = `/zones/${i}/cidr`;
    const range = parseCidr(cidr);
    if (range === null) return faults.add(path, 'a range whose host bits are zero', cidr, 'Give the first address of the range.');
    if (!isPrivate(range)) return faults.add(path, 'private addresses (RFC 1918)', cidr, 'Use 10/8, 172.16/12 or 192.168/16.');
    if (range.prefix < 16 || range.prefix > 28) return faults.add(path, 'a prefix from 16 to 28', cidr, 'Make the zone as small as it can be.');
    return range;
  });
  ranges.forEach((range, i) => {
    const other = ranges.findIndex((candidate, j) => j < i && candidate && range && overlaps(candidate, range));
    if (other >= 0) faults.add(`/zones/${i}/cidr`, `addresses apart from zone ${zones[other]?.name ?? other}`, zones[i]?.cidr, 'Move one of the two zones.');
  });
}

function flows({ flows: list = [], zones }: PartialEnclave, faults: Faults): void {
  const seen = new Set<string>();
  list.forEach((flow, i) => {
    known(flow.from, zones, `/flows/${i}/from`, 'zone', faults);
    known(flow.to, zones, `/flows/${i}/to`, 'zone', faults);
    if (flow.from === flow.to) faults.add(`/flows/${i}/to`, 'another zone than it comes from', flow.to, 'Leave it out: a zone is one network.');
    const key = [flow.from, flow.to, flow.protocol, flow.port].join(' ');
    if (seen.has(key)) faults.add(`/flows/${i}`, 'a flow stated once', key, 'Take one out.');
    seen.add(key);
    // The zone of the weights answers; it never calls. A way out of it would be a way out for them.
    const kind = zones?.find(({ name }) => name === flow.from)?.kind;
    if (kind === 'weights') faults.add(`/flows/${i}/from`, 'no flow that begins in a zone of weights', flow.from, 'Let the other side open the connection.');
  });
}

function stores({ stores: list = [], zones, keys }: PartialEnclave, faults: Faults): void {
  list.forEach((store, i) => {
    known(store.zone, zones, `/stores/${i}/zone`, 'zone', faults);
    known(store.key, keys, `/stores/${i}/key`, 'key', faults);
    const zone = zones?.find(({ name }) => name === store.zone);
    if (store.holds === 'weights' && zone !== undefined && zone.kind !== 'weights') {
      faults.add(`/stores/${i}/zone`, 'a zone of kind weights', store.zone, 'Keep weights in a zone of their own.');
    }
    if (store.holds === 'log' && store.retention_days === 0) {
      faults.add(`/stores/${i}/retention_days`, 'at least 1', 0, 'Keep the log against deletion.');
    }
    const key = keys?.find(({ name }) => name === store.key);
    if (key !== undefined && key.use === 'sign-log') faults.add(`/stores/${i}/key`, 'a key that encrypts', store.key, 'Use a key of its own.');
  });
}

function identities({ identities: list = [], zones, stores: all, keys }: PartialEnclave, faults: Faults): void {
  list.forEach((identity, i) => {
    known(identity.zone, zones, `/identities/${i}/zone`, 'zone', faults);
    for (const member of ['reads', 'writes'] as const) {
      identity[member].forEach((name, j) => known(name, all, `/identities/${i}/${member}/${j}`, 'store', faults));
    }
    identity.uses.forEach((name, j) => {
      known(name, keys, `/identities/${i}/uses/${j}`, 'key', faults);
      const use = keys?.find((key) => key.name === name)?.use;
      if (identity.kind === 'node' && use === 'wrap-shards') {
        faults.add(`/identities/${i}/uses/${j}`, 'no wrapping key in the hands of a node', name, 'Nodes receive shard keys from the releaser alone.');
      }
    });
    identity.writes.forEach((name, j) => {
      const holds = all?.find((store) => store.name === name)?.holds;
      if (identity.kind === 'node' && holds === 'log') faults.add(`/identities/${i}/writes/${j}`, 'no log in the hands of a node', name, 'Only the control plane writes the log.');
    });
  });
}

function limits({ budgets, lease }: PartialEnclave, faults: Faults): void {
  if (budgets !== undefined && !budgets.some(({ route }) => route === 'release')) {
    faults.add('/budgets', 'a budget for the route "release"', budgets.map(({ route }) => route), 'State one; without it nothing can be released.');
  }
  if (lease !== undefined && lease.renew_seconds >= lease.seconds) {
    faults.add('/lease/renew_seconds', `fewer than ${lease.seconds}`, lease.renew_seconds, 'Renew well before the lease ends.');
  }
}

function evidence({ evidence: accepted, environments = [] }: PartialEnclave, faults: Faults): void {
  if (accepted !== undefined && new Set(accepted.kinds).size !== accepted.kinds.length) {
    faults.add('/evidence/kinds', 'each kind once', accepted.kinds, 'Take the second one out.');
  }
  environments.forEach(({ kind, bank, pcrs }, i) => {
    if (accepted !== undefined && !accepted.kinds.includes(kind)) faults.add(`/environments/${i}/kind`, `one of ${accepted.kinds.join(', ')}`, kind, 'Accept that kind of evidence, or take the environment out.');
    const digits = bank === 'sha256' ? 64 : 96;
    for (const [pcr, value] of Object.entries(pcrs)) {
      if (value.length !== digits) faults.add(`/environments/${i}/pcrs/${pcr}`, `${digits} hex digits, as the bank has`, value, 'Take all values from one bank.');
    }
  });
}

/** What only development may do. */
function production({ evidence: accepted, keys = [], lease }: PartialEnclave, faults: Faults): void {
  if (accepted?.kinds.includes('software')) faults.add('/evidence/kinds', 'no software evidence in production', accepted.kinds, 'Accept evidence that hardware vouches for.');
  if (accepted?.require_hardware === false) faults.add('/evidence/require_hardware', 'true in production', false, 'Require hardware.');
  keys.forEach(({ service }, i) => {
    if (service === 'development') faults.add(`/keys/${i}/service`, 'aws-kms or pkcs11 in production', service, 'Keep keys in a key service or an HSM.');
  });
  if (lease !== undefined && lease.seconds > 300) faults.add('/lease/seconds', 'at most 300 in production', lease.seconds, 'Let leases end soon; renewals prolong them.');
}
