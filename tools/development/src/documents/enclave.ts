import type { EnclaveDocument } from '@strongroom/control-plane-contract';
import { weightVault } from '@strongroom/infra-enclave';
import type { ReferenceEnvironment } from './environment.js';

export interface EnclaveWish {
  readonly id: string;
  readonly environments: readonly ReferenceEnvironment[];
}

/** A day: what the release budget counts over. */
const WINDOW_SECONDS = 86_400;
const TIB = 1024 ** 4;

/**
 * The development enclave: a weight vault with a budget wide enough to run the main job over and over in a day (64 times an
 * asset, 8 TiB in all), and leases short enough to see one renewed and one lapse.
 */
export function enclaveBody({ id, environments, tenant, version }: EnclaveWish & { readonly tenant: string; readonly version: number }): EnclaveDocument['enclave'] {
  const enclave = weightVault({
    id,
    tenant,
    version,
    profile: 'development',
    environments,
    evidence: { kinds: [...new Set(environments.map(({ kind }) => kind))].sort(), require_hardware: false },
    release: { window_seconds: WINDOW_SECONDS, relative_cap: { numerator: 64, denominator: 1 }, absolute_cap_bytes: 8 * TIB },
    lease: { seconds: 6, renew_seconds: 2 },
    keyService: 'development',
  });
  return structuredClone(enclave) as unknown as EnclaveDocument['enclave'];
}
