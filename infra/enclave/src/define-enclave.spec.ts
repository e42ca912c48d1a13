import { describe, expect, it } from '@jest/globals';
import { defineEnclave } from './define-enclave.js';
import type { Enclave } from './enclave.js';
import { EnclaveError } from './errors.js';
import type { EnclaveFault } from './faults.js';
import { weightVault, type WeightVaultOptions } from './weight-vault.js';

const options: WeightVaultOptions = {
  id: 'vault-1',
  tenant: 'acme',
  version: 1,
  profile: 'production',
  keyService: 'pkcs11',
  release: { window_seconds: 86_400, relative_cap: { numerator: 3, denominator: 1 }, absolute_cap_bytes: 10_000_000 },
  environments: [{ name: 'gold', kind: 'tpm2', bank: 'sha256', pcrs: { '7': 'ab'.repeat(32) }, expires_at: '2027-01-01T00:00:00Z' }],
};
const production = weightVault(options);
const development = weightVault({ ...options, profile: 'development', keyService: 'development' });

function faultsOf(input: unknown): readonly EnclaveFault[] {
  try {
    defineEnclave(input);
  } catch (error) {
    if (error instanceof EnclaveError && error.code === 'enclave-invalid') return error.faults;
    throw error;
  }
  return [];
}

type Draft = Record<string, unknown> & Record<'zones' | 'flows' | 'stores' | 'keys' | 'identities' | 'budgets' | 'environments', Record<string, unknown>[]>;

/** A copy of a good enclave with one thing done to it. */
function changed(change: (draft: Draft) => void, base: Enclave = production): unknown {
  const draft = JSON.parse(JSON.stringify(base)) as Draft;
  change(draft);
  return draft;
}

function set(list: 'zones' | 'flows' | 'stores' | 'keys' | 'identities' | 'budgets' | 'environments', index: number, members: object): (draft: Draft) => void {
  return (draft) => Object.assign(draft[list][index] ?? {}, members);
}

describe('a weight vault', () => {
  it.each([['production', production], ['development', development]])('of %s is an enclave, frozen throughout, and plain JSON', (_, vault) => {
    expect(defineEnclave(JSON.parse(JSON.stringify(vault)))).toEqual(vault);
    const frozen = (value: unknown): boolean => typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(vault)).toBe(true);
  });

  it('differs by profile in evidence and lease alone', () => {
    expect(production.evidence).toEqual({ kinds: ['tpm2'], require_hardware: true });
    expect(production.lease).toEqual({ seconds: 60, renew_seconds: 30 });
    expect(development.evidence).toEqual({ kinds: ['tpm2', 'software'], require_hardware: false });
    expect(development.lease).toEqual({ seconds: 6, renew_seconds: 2 });
  });

  it('lets nothing begin in the zone of the weights', () => {
    expect(production.flows.filter(({ from }) => from === 'vault')).toEqual([]);
  });

  it('takes another network', () => {
    expect(weightVault({ ...options, network: '192.168.7' }).zones[3]?.cidr).toBe('192.168.7.192/26');
    expect(() => weightVault({ ...options, network: '8.8.8' })).toThrow(EnclaveError);
  });
});

describe('an enclave is refused with', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['nothing', undefined, ''],
    ['a list', [], ''],
    ['a member nobody knows', changed((d) => { d['backdoor'] = true; }), '/backdoor'],
    ['an unknown member deep inside', changed(set('zones', 0, { open: true })), '/zones/0/open'],
    ['an id in capitals', changed((d) => { d['id'] = 'Vault'; }), '/id'],
    ['version 0', changed((d) => { d['version'] = 0; }), '/version'],
    ['a profile of its own', changed((d) => { d['profile'] = 'staging'; }), '/profile'],
    ['a level beyond the fifth', changed((d) => { d['security_level'] = { target: 6 }; }), '/security_level/target'],
    ['no zones', changed((d) => { d.zones = []; }), '/zones'],
    ['two zones of one name', changed(set('zones', 1, { name: 'vault' })), '/zones/1/name'],
    ['a range with host bits', changed(set('zones', 0, { cidr: '10.80.0.1/26' })), '/zones/0/cidr'],
    ['public addresses', changed(set('zones', 0, { cidr: '8.8.8.0/26' })), '/zones/0/cidr'],
    ['all addresses', changed(set('zones', 0, { cidr: '0.0.0.0/0' })), '/zones/0/cidr'],
    ['a zone of half the world', changed(set('zones', 0, { cidr: '10.0.0.0/8' })), '/zones/0/cidr'],
    ['zones that overlap', changed(set('zones', 1, { cidr: '10.80.0.0/24' })), '/zones/1/cidr'],
    ['a flow from nowhere', changed(set('flows', 0, { from: 'internet' })), '/flows/0/from'],
    ['a flow to outside', changed(set('flows', 0, { to: 'internet' })), '/flows/0/to'],
    ['a flow out of the weights', changed(set('flows', 0, { from: 'vault', to: 'control' })), '/flows/0/from'],
    ['a flow to itself', changed(set('flows', 0, { to: 'compute' })), '/flows/0/to'],
    ['a flow stated twice', changed((d) => { d.flows.push({ ...d.flows[0], purpose: 'once more' }); }), '/flows/4'],
    ['a range of ports', changed(set('flows', 0, { port: '1-65535' })), '/flows/0/port'],
    ['port 0', changed(set('flows', 0, { port: 0 })), '/flows/0/port'],
    ['a flow without purpose', changed(set('flows', 0, { purpose: '' })), '/flows/0/purpose'],
    ['weights outside a zone for them', changed(set('stores', 0, { zone: 'compute' })), '/stores/0/zone'],
    ['a store in no zone', changed(set('stores', 0, { zone: 'cellar' })), '/stores/0/zone'],
    ['a store without a key', changed(set('stores', 0, { key: 'none' })), '/stores/0/key'],
    ['a store under the key that signs', changed(set('stores', 0, { key: 'log-signing' })), '/stores/0/key'],
    ['a log that may be deleted', changed(set('stores', 1, { retention_days: 0 })), '/stores/1/retention_days'],
    ['a key of no use', changed(set('keys', 0, { use: 'decrypt-everything' })), '/keys/0/use'],
    ['an identity of no zone', changed(set('identities', 0, { zone: 'cellar' })), '/identities/0/zone'],
    ['an identity that reads what is not there', changed(set('identities', 0, { reads: ['secrets'] })), '/identities/0/reads/0'],
    ['a node that may unwrap', changed(set('identities', 0, { uses: ['wrapping'] })), '/identities/0/uses/0'],
    ['a node that writes the log', changed(set('identities', 0, { writes: ['log'] })), '/identities/0/writes/0'],
    ['no budget', changed((d) => { d.budgets = []; }), '/budgets'],
    ['no budget for releases', changed(set('budgets', 0, { route: 'egress' })), '/budgets'],
    ['two budgets for one route', changed((d) => { d.budgets.push({ ...d.budgets[0] }); }), '/budgets/1/route'],
    ['a share of a nothingth', changed(set('budgets', 0, { relative_cap: { numerator: 1, denominator: 0 } })), '/budgets/0/relative_cap/denominator'],
    ['a negative cap', changed(set('budgets', 0, { absolute_cap_bytes: -1 })), '/budgets/0/absolute_cap_bytes'],
    ['an infinite cap', changed(set('budgets', 0, { absolute_cap_bytes: 1e300 })), '/budgets/0/absolute_cap_bytes'],
    ['a window of decades', changed(set('budgets', 0, { window_seconds: 1e9 })), '/budgets/0/window_seconds'],
    ['no environments', changed((d) => { d.environments = []; }), '/environments'],
    ['an environment without measurements', changed(set('environments', 0, { pcrs: {} })), '/environments/0/pcrs'],
    ['a register that a TPM lacks', changed(set('environments', 0, { pcrs: { '24': 'ab'.repeat(32) } })), '/environments/0/pcrs/24'],
    ['a measurement of another bank', changed(set('environments', 0, { pcrs: { '7': 'ab'.repeat(48) } })), '/environments/0/pcrs/7'],
    ['a measurement in capitals', changed(set('environments', 0, { pcrs: { '7': 'AB'.repeat(32) } })), '/environments/0/pcrs/7'],
    ['an expiry that is no instant', changed(set('environments', 0, { expires_at: '2027-02-30T00:00:00Z' })), '/environments/0/expires_at'],
    ['an expiry in another zone', changed(set('environments', 0, { expires_at: '2027-01-01T00:00:00+02:00' })), '/environments/0/expires_at'],
    ['an environment of evidence not accepted', changed(set('environments', 0, { kind: 'software' })), '/environments/0/kind'],
    ['one kind of evidence twice', changed((d) => { d['evidence'] = { kinds: ['tpm2', 'tpm2'], require_hardware: true }; }), '/evidence/kinds'],
    ['a lease renewed too late', changed((d) => { d['lease'] = { seconds: 60, renew_seconds: 60 }; }), '/lease/renew_seconds'],
    ['hardware left open', changed((d) => { d['evidence'] = { kinds: ['tpm2'] }; }), '/evidence/require_hardware'],
    ['software evidence in production', changed((d) => { d['evidence'] = { kinds: ['tpm2', 'software'], require_hardware: true }; }), '/evidence/kinds'],
    ['no hardware in production', changed((d) => { d['evidence'] = { kinds: ['tpm2'], require_hardware: false }; }), '/evidence/require_hardware'],
    ['development keys in production', changed(set('keys', 0, { service: 'development' })), '/keys/0/service'],
    ['an hour\'s lease in production', changed((d) => { d['lease'] = { seconds: 3_600, renew_seconds: 30 }; }), '/lease/seconds'],
    ['a development vault called production', changed((d) => { d['profile'] = 'production'; }, development), '/keys/0/service'],
  ];

  it.each(cases)('%s', (_, input, path) => {
    const faults = faultsOf(input);
    expect(faults.map((fault) => fault.path)).toContain(path);
    for (const fault of faults) {
      expect(fault.expected).not.toBe('');
      expect(fault.remedy).toMatch(/\.$/);
    }
  });

  it.each(Object.keys(production))('%s missing, null or of another type', (member) => {
    for (const value of [undefined, null, 7.5, true, {}]) {
      const paths = faultsOf(changed((draft) => { draft[member] = value; })).map(({ path }) => path);
      expect(paths.some((path) => path === `/${member}` || path.startsWith(`/${member}/`))).toBe(true);
    }
  });
});

describe('faults', () => {
  it('are told all together', () => {
    const faults = faultsOf(
      changed((draft) => {
        draft['id'] = '';
        draft['lease'] = { seconds: 5, renew_seconds: 9 };
        set('zones', 0, { cidr: '8.8.8.0/26' })(draft);
        set('stores', 0, { key: 'none' })(draft);
        set('budgets', 0, { absolute_cap_bytes: -1 })(draft);
      }),
    );
    expect(faults.map(({ path }) => path).sort()).toEqual(['/budgets/0/absolute_cap_bytes', '/id', '/lease/renew_seconds', '/stores/0/key', '/zones/0/cidr']);
  });

  it('of one part are not told again of those that name it', () => {
    expect(faultsOf(changed(set('zones', 0, { kind: 'cellar' }))).map(({ path }) => path)).toEqual(['/zones/0/kind']);
  });

  it('say what stands there, shortened, and what to do', () => {
    const [fault] = faultsOf(changed((draft) => { draft['tenant'] = 'X'.repeat(500); }));
    expect(fault?.got.length).toBeLessThan(90);
    expect(() => defineEnclave(null)).toThrow(/1 fault in the enclave:\n\/: expected an object, got null\. Write an object with id,/);
  });
});
