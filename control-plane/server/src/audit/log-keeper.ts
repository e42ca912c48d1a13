import { Inject, Injectable, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import type { LogStorage } from '@strongroom/attestation-tlog';
import { logStatementOf } from '@strongroom/control-plane-contract';
import { Clock } from '../platform/clock.js';
import { CrashPoints } from '../platform/crash-points.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/platform.module.js';
import { Randomness } from '../platform/randomness.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { auditConfig, type AuditConfig } from './audit.config.js';
import type { AuditEvent } from './audit-event.js';
import { loadLogIdentity } from './log-identity.js';
import { LOG_STORAGE } from './log-reader.js';
import { LogSignals } from './log-signals.js';
import { Sequencer } from './sequencer.js';
import { LOG_CHAIN } from './term.js';
import { configuredWitnesses } from './witnesses.js';

/** Starts and stops the sequencer with the program. */
@Injectable()
export class LogKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #sequencer: Sequencer | undefined;

  constructor(
    @Inject(auditConfig.token) private readonly config: AuditConfig,
    @Inject(LOG_STORAGE) private readonly storage: LogStorage,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly database: Database,
    private readonly trust: TrustAnchors,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
    private readonly crash: CrashPoints,
    private readonly signals: LogSignals,
  ) {}

  /** @throws StrongroomError `genesis-mismatch` | `log-fork` | `config-invalid`: then the program does not start */
  async onApplicationBootstrap(): Promise<void> {
    const { config, storage, database, trust, clock, randomness, crash } = this;
    await assertGenesis(database, trust.genesis.digest);
    const { log, witnesses } = trust.value;
    const parts = {
      database,
      storage,
      clock,
      randomness,
      crash,
      identity: loadLogIdentity(config.keyFile, log),
      witnesses: configuredWitnesses(config.witnesses, witnesses, config.witnessTimeoutMs),
      settings: config,
      genesis: genesisEvent(trust),
    };
    this.#sequencer = new Sequencer(parts, config.pollMs, this.signals.recorded, this.signals.published, this.logger);
    await this.#sequencer.start();
  }

  /** Before the database is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#sequencer?.stop();
  }
}

/** Entry 0 of an existing log must be the pinned genesis. An empty log gets it as its first entry. */
async function assertGenesis(database: Database, digest: string): Promise<void> {
  const [first]: { entry: Buffer }[] = await database.manager.query('SELECT entry FROM audit_entry WHERE index = 0');
  if (!first) return;
  const statement = logStatementOf(new Uint8Array(first.entry));
  if (statement.type !== 'strongroom/log/genesis/v1' || statement.genesis_digest !== digest) {
    throw new StrongroomError('genesis-mismatch', 'this log begins with another genesis than the one pinned');
  }
}

export function genesisEvent(trust: TrustAnchors): AuditEvent {
  const { digest, envelope } = trust.genesis;
  return { kind: 'genesis', message: 'the log begins', chains: [LOG_CHAIN], statement: { type: 'strongroom/log/genesis/v1', genesis_digest: digest, envelope } };
}
