import type { Budget } from './budget.js';

/**
 * What an enclave is: plain, validated, frozen data that renderers write as infrastructure, the prover reasons about, and
 * the signed enclave document carries. Only {@link defineEnclave} makes one. Member names are those of the signed JSON.
 */
export interface Enclave {
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly profile: 'development' | 'production';
  readonly security_level: SecurityLevel;
  readonly zones: readonly Zone[];
  /** Every permitted connection. What is not listed is not permitted. */
  readonly flows: readonly Flow[];
  readonly stores: readonly Store[];
  readonly keys: readonly Key[];
  readonly identities: readonly Identity[];
  readonly budgets: readonly Budget[];
  /** Reference measurements: states in which a node of the enclave may be. */
  readonly environments: readonly Environment[];
  readonly evidence: { readonly kinds: readonly EvidenceKind[]; readonly require_hardware: boolean };
  readonly lease: { readonly seconds: number; readonly renew_seconds: number };
}

/** RAND's security level that the declaration aims at. A target: what is reached is measured, and capped by hardware. */
export interface SecurityLevel {
  readonly target: 1 | 2 | 3 | 4 | 5;
}

export type EvidenceKind = 'tpm2' | 'software';

/** A network of its own. Zones never overlap. */
export interface Zone {
  readonly name: string;
  readonly kind: 'weights' | 'compute' | 'control' | 'audit';
  /** Private IPv4 range (RFC 1918). */
  readonly cidr: string;
}

/** One permitted direction; answers to a connection are part of it. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly purpose: string;
}

export interface Store {
  readonly name: string;
  readonly zone: string;
  readonly holds: 'weights' | 'log' | 'state';
  /** Name of the key that encrypts it. */
  readonly key: string;
  /** Kept against deletion and change for so many days; 0 is not. */
  readonly retention_days: number;
}

export interface Key {
  readonly name: string;
  readonly use: 'wrap-shards' | 'encrypt-store' | 'sign-log';
  readonly service: 'development' | 'aws-kms' | 'pkcs11';
}

/** Who acts in the enclave, and on what. */
export interface Identity {
  readonly name: string;
  readonly kind: 'node' | 'service';
  readonly zone: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly uses: readonly string[];
}

export interface Environment {
  readonly name: string;
  readonly kind: EvidenceKind;
  readonly bank: 'sha256' | 'sha384';
  /** PCR index to lowercase hex digest; all must hold together. */
  readonly pcrs: Readonly<Record<string, string>>;
  /** RFC 3339 in UTC, to the second. */
  readonly expires_at: string;
}
