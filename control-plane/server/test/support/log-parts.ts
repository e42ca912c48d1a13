import { join } from 'node:path';
import { DiskLogStorage, parseVkey, verifyCheckpoint, verifyLogFolder, type LogStorage } from '@strongroom/attestation-tlog';
import { parseCanonicalJson } from '@strongroom/attestation-encoding';
import { buildEvent } from '../../src/audit/audit-event.js';
import { genesisEvent } from '../../src/audit/log-keeper.js';
import { logIdentity } from '../../src/audit/log-identity.js';
import type { TermParts } from '../../src/audit/term.js';
import { Witnesses } from '../../src/audit/witnesses.js';
import { SystemClock } from '../../src/platform/clock.js';
import { CrashPoints } from '../../src/platform/crash-points.js';
import type { Database } from '../../src/platform/database.js';
import { identityConfig } from '../../src/platform/platform.config.js';
import { SystemRandomness } from '../../src/platform/randomness.js';
import { TrustAnchors } from '../../src/platform/trust-anchors.js';
import { trustConfig } from '../../src/platform/trust.config.js';
import type { Installation } from './installation.js';

export const clock = new SystemClock();
export const randomness = new SystemRandomness(clock);

export function storageOf(installation: Installation): LogStorage {
  return new DiskLogStorage(join(installation.folder, 'log'));
}

/** What a sequencer is made of; tests replace the part that is to fail. */
export function partsOf(installation: Installation, database: Database, changes: Partial<TermParts> = {}): TermParts {
  const configuration = installation.configuration();
  const trust = TrustAnchors.load(configuration.get(trustConfig), { profile: configuration.profile, identity: configuration.get(identityConfig), now: clock.now() });
  return {
    database,
    storage: storageOf(installation),
    identity: logIdentity(installation.logKey, installation.anchors.log),
    witnesses: new Witnesses([], 0),
    clock,
    randomness,
    crash: new CrashPoints({}),
    settings: { batchSize: 256, heartbeatSeconds: 3600 },
    genesis: genesisEvent(trust),
    ...changes,
  };
}

/** Records as the audit service does, without an application around it. */
export async function recordEvent(database: Database, chain = 'node/n'): Promise<string> {
  const event = buildEvent({ kind: 'node-change', message: 'something happened', chains: [chain] }, randomness.uuid(), clock.now());
  await database.manager.query('INSERT INTO audit_pending (event_id, event, chains) VALUES ($1, $2, $3)', [event.eventId, event.json, event.chains]);
  return event.eventId;
}

/** Verifies the published log from its files alone, signature, tiles and root. @returns the ids of its events, in order. */
export async function verifyPublished(installation: Installation): Promise<string[]> {
  const storage = storageOf(installation);
  const { log } = installation.anchors;
  const checkpoint = verifyCheckpoint((await storage.read('checkpoint')) ?? new Uint8Array(), { origin: log.origin, log: parseVkey(log.vkey) });
  const ids: string[] = [];
  await verifyLogFolder((path) => storage.read(path), checkpoint, {
    onEntry: ({ bytes }) => void ids.push((parseCanonicalJson(bytes, 65_535) as { metadata: { uid: string } }).metadata.uid),
  });
  return ids;
}
