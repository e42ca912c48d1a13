import type { KeyObject } from 'node:crypto';
import type { Anchors, Signed } from '@strongroom/control-plane-contract';
import type { PolicyEngine } from '@strongroom/policies-engine';
import type { Database } from './database/database.js';
import type { KeyService } from './keys/key-service.js';
import type { CrashPoint } from './process/crash-points.js';

/** What every operation works with; made once at start and never changed. */
export interface ReleaserContext {
  readonly anchors: Signed<Anchors>;
  readonly engine: PolicyEngine;
  readonly database: Database;
  readonly keys: KeyService;
  /** Signs leases and node bindings; its public half is the anchors' `releaser`. */
  readonly signingKey: KeyObject;
  readonly evidenceKinds: readonly ('tpm2' | 'software')[];
  /** How old a logged decision may be. */
  readonly maxDecisionAgeSeconds: number;
  readonly now: () => Date;
  /** Cryptographically strong bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly newId: () => string;
  /** Ends the process there when a test asked for it; elsewhere nothing. */
  readonly reach: (point: CrashPoint) => void;
}
