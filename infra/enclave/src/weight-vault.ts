import type { Budget } from './budget.js';
import { defineEnclave } from './define-enclave.js';
import type { Enclave, Environment, Key } from './enclave.js';

/** What differs from one weight vault to the next. */
export interface WeightVaultOptions {
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly profile: Enclave['profile'];
  readonly environments: readonly Environment[];
  /** Budget of the route by which shards go to nodes. */
  readonly release: Omit<Budget, 'route'>;
  readonly keyService: Key['service'];
  /** Default: what the profile allows at most (development also software; production hardware only). */
  readonly evidence?: Enclave['evidence'];
  /** Default: 6 s renewed every 2 s in development, 60 s renewed every 30 s in production. */
  readonly lease?: Enclave['lease'];
  /** Default 3. */
  readonly securityLevel?: Enclave['security_level']['target'];
  /** Network of four zones of 64 addresses each: the first three octets; default `10.80.0`. */
  readonly network?: string;
}

/**
 * An enclave in four zones: weights at rest, the nodes that open them, the control plane, the log. Nodes read ciphertext and
 * speak to the control plane; only the control plane writes the log; nothing has a way out.
 * @throws EnclaveError `enclave-invalid`
 */
export function weightVault(options: WeightVaultOptions): Enclave {
  const { profile, network = '10.80.0', securityLevel = 3 } = options;
  const production = profile === 'production';
  return defineEnclave({
    id: options.id,
    tenant: options.tenant,
    version: options.version,
    profile,
    security_level: { target: securityLevel },
    zones: [
      { name: 'vault', kind: 'weights', cidr: `${network}.0/26` },
      { name: 'compute', kind: 'compute', cidr: `${network}.64/26` },
      { name: 'control', kind: 'control', cidr: `${network}.128/26` },
      { name: 'audit', kind: 'audit', cidr: `${network}.192/26` },
    ],
    flows: [
      { from: 'compute', to: 'vault', protocol: 'tcp', port: 443, purpose: 'nodes read sealed shards' },
      { from: 'compute', to: 'control', protocol: 'tcp', port: 7443, purpose: 'agents attest, ask and renew over mutual TLS' },
      { from: 'control', to: 'vault', protocol: 'tcp', port: 443, purpose: 'sealed shards and manifests are registered' },
      { from: 'control', to: 'audit', protocol: 'tcp', port: 443, purpose: 'log tiles and checkpoints are written' },
    ],
    stores: [
      { name: 'shards', zone: 'vault', holds: 'weights', key: 'storage', retention_days: 0 },
      { name: 'log', zone: 'audit', holds: 'log', key: 'storage', retention_days: 365 },
    ],
    keys: [
      { name: 'wrapping', use: 'wrap-shards', service: options.keyService },
      { name: 'storage', use: 'encrypt-store', service: options.keyService },
      { name: 'log-signing', use: 'sign-log', service: options.keyService },
    ],
    identities: [
      { name: 'node', kind: 'node', zone: 'compute', reads: ['shards'], writes: [], uses: [] },
      { name: 'releaser', kind: 'service', zone: 'control', reads: ['log'], writes: [], uses: ['wrapping'] },
      { name: 'sequencer', kind: 'service', zone: 'control', reads: ['log'], writes: ['log'], uses: ['log-signing', 'storage'] },
      { name: 'registrar', kind: 'service', zone: 'control', reads: [], writes: ['shards'], uses: ['storage'] },
    ],
    budgets: [{ route: 'release', ...options.release }],
    environments: options.environments,
    evidence: options.evidence ?? { kinds: production ? ['tpm2'] : ['tpm2', 'software'], require_hardware: production },
    lease: options.lease ?? (production ? { seconds: 60, renew_seconds: 30 } : { seconds: 6, renew_seconds: 2 }),
  });
}
