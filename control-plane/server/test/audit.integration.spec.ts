import 'reflect-metadata';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { digestOf, parseCanonicalJson } from '@strongroom/attestation-encoding';
import { DiskLogStorage, leafHash, parseVkey, verifyCheckpoint, verifyLogFolder, verifyTlogProof } from '@strongroom/attestation-tlog';
import { logStatementOf } from '@strongroom/control-plane-contract';
import { AuditModule } from '../src/audit/audit.module.js';
import { AuditService } from '../src/audit/audit.service.js';
import { LogReader } from '../src/audit/log-reader.js';
import { PersonalData } from '../src/audit/personal-data.js';
import { openTestApplication, type TestApplication } from './support/application.js';
import { createInstallation, type Installation } from './support/installation.js';
import { FakePrincipals, principalsModule } from './support/principals.js';

interface LoggedEvent {
  readonly metadata: { readonly uid: string; readonly sequence: number };
  readonly unmapped: {
    readonly chain_positions: Record<string, number>;
    readonly record_integrity: { readonly attestation_list: { readonly chain_uid: string; readonly prev_event?: { readonly uid: string; readonly fingerprint: { readonly value: string } } }[] };
  };
}

describe('the audit log', () => {
  let installation: Installation;
  let app: TestApplication;
  let audit: AuditService;

  beforeAll(async () => {
    installation = await createInstallation();
    app = await openTestApplication(installation, [AuditModule, principalsModule(new FakePrincipals())]);
    audit = app.nest.get(AuditService, { strict: false });
  });
  afterAll(async () => {
    await app?.close();
    await installation?.remove();
  });

  const record = (chain: string, message = 'something happened') =>
    app.platform.database.inTransaction((manager) => audit.record(manager, { kind: 'node-change', message, chains: [chain] }));

  async function verifyLog(): Promise<{ size: bigint; events: LoggedEvent[]; entries: Uint8Array[] }> {
    const storage = new DiskLogStorage(join(installation.folder, 'log'));
    const { log } = installation.anchors;
    const checkpoint = verifyCheckpoint((await storage.read('checkpoint')) ?? new Uint8Array(), { origin: log.origin, log: parseVkey(log.vkey) });
    const entries: Uint8Array[] = [];
    await verifyLogFolder((path) => storage.read(path), checkpoint, { onEntry: ({ bytes }) => void entries.push(bytes) });
    return { size: checkpoint.size, entries, events: entries.map((bytes) => parseCanonicalJson(bytes, 65_535) as LoggedEvent) };
  }

  it('begins with the pinned genesis and a heartbeat', async () => {
    const { entries } = await verifyLog();
    expect(logStatementOf(entries[0] ?? new Uint8Array())).toMatchObject({ type: 'strongroom/log/genesis/v1', genesis_digest: app.platform.trust.genesis.digest });
    expect(Buffer.from(entries[1] ?? []).toString()).toContain('"chain_heads"');
  });

  it('answers with a proof that a verifier of ours and the log key accept', async () => {
    const { eventId } = await record('node/a');
    const entry = await audit.waitForEntry(eventId);
    const { log } = installation.anchors;
    const proven = verifyTlogProof({ proof: entry.proof, entry: entry.entry, origin: log.origin, log: parseVkey(log.vkey) });
    expect(proven.index).toBe(entry.index);
    expect(Buffer.from(leafHash(entry.entry))).toEqual(Buffer.from(entry.leafHash));
    expect(() => verifyTlogProof({ proof: entry.proof, entry: Buffer.concat([entry.entry, Buffer.from(' ')]), origin: log.origin, log: parseVkey(log.vkey) })).toThrow();
  });

  it('keeps a change and its entry together: rolled back, neither exists', async () => {
    let eventId = '';
    await expect(
      app.platform.database.inTransaction(async (manager) => {
        ({ eventId } = await audit.record(manager, { kind: 'node-change', message: 'never', chains: ['node/never'] }));
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await record('node/after');
    await expect(audit.waitForEntry(eventId, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'log-not-current' });
  });

  it('loses and doubles nothing under concurrent recorders, and links every chain in order', async () => {
    const recorded = await Promise.all(Array.from({ length: 400 }, (_, n) => record(`node/c${n % 7}`, `event ${n}`)));
    await Promise.all(recorded.map(({ eventId }) => audit.waitForEntry(eventId)));
    const { events, entries } = await verifyLog();
    expect(new Set(events.map((event) => event.metadata.uid)).size).toBe(events.length);
    for (const { eventId } of recorded) expect(events.filter((event) => event.metadata.uid === eventId)).toHaveLength(1);
    expect(events.map((event) => event.metadata.sequence)).toEqual(events.map((_, index) => index));
    const last = new Map<string, { uid: string; position: number; fingerprint: string }>();
    events.forEach((event, index) => {
      for (const { chain_uid, prev_event } of event.unmapped.record_integrity.attestation_list) {
        const before = last.get(chain_uid);
        expect(prev_event?.uid).toBe(before?.uid);
        expect(prev_event && `sha256:${prev_event.fingerprint.value}`).toBe(before?.fingerprint);
        expect(event.unmapped.chain_positions[chain_uid]).toBe((before?.position ?? -1) + 1);
        last.set(chain_uid, { uid: event.metadata.uid, position: event.unmapped.chain_positions[chain_uid] ?? -1, fingerprint: digestOf(entries[index] ?? new Uint8Array()) });
      }
    });
  });

  it('takes one transaction’s events in their order, and causes before effects', async () => {
    const [first, second] = await app.platform.database.inTransaction(async (manager) => [
      await audit.record(manager, { kind: 'node-change', message: 'one', chains: ['node/order'] }),
      await audit.record(manager, { kind: 'node-change', message: 'two', chains: ['node/order'] }),
    ]);
    const third = await record('node/order', 'three');
    const indexes = await Promise.all([first, second, third].map(async (event) => (await audit.waitForEntry(event?.eventId ?? '')).index));
    expect([...indexes].sort((a, b) => (a < b ? -1 : 1))).toEqual(indexes);
  });

  it('refuses an event that would not fit its entry, before the change can commit', async () => {
    const detail = { comment: 'x'.repeat(64_500) };
    const tooLarge = app.platform.database.inTransaction((manager) => audit.record(manager, { kind: 'node-change', message: 'm', chains: ['node/large'], detail: { comment: 'x'.repeat(65_400) } }));
    await expect(tooLarge).rejects.toMatchObject({ code: 'audit-event-too-large' });
    const { eventId } = await app.platform.database.inTransaction((manager) => audit.record(manager, { kind: 'node-change', message: 'm', chains: ['node/large'], detail }));
    expect((await audit.waitForEntry(eventId)).entry.length).toBeLessThanOrEqual(65_535);
  });

  it('refuses to record outside a transaction of the database', async () => {
    await expect(audit.record(app.platform.database.manager, { kind: 'node-change', message: 'm', chains: ['node/x'] })).rejects.toMatchObject({ code: 'defect' });
  });

  it('never lets an entry be changed or removed', async () => {
    for (const sql of ["UPDATE audit_entry SET class_uid = 1 WHERE index = 0", 'DELETE FROM audit_entry', 'TRUNCATE audit_entry CASCADE']) {
      await expect(app.platform.database.manager.query(sql)).rejects.toThrow(/never changed/);
    }
  });

  it('commits to personal data under a key that can be destroyed', async () => {
    const personal = app.nest.get(PersonalData, { strict: false });
    const commit = (subject: string, field: string, value: string) => app.platform.database.inTransaction((manager) => personal.commitPersonal(manager, subject, field, value));
    const name = await commit('p1', 'name', 'Ada');
    expect(name).toMatch(/^hmac-sha256:[A-Za-z0-9_-]{43}$/);
    expect(await commit('p1', 'name', 'Ada')).toBe(name);
    expect(await commit('p1', 'email', 'Ada')).not.toBe(name);
    expect(await commit('p2', 'name', 'Ada')).not.toBe(name);
    await app.platform.database.inTransaction((manager) => personal.eraseSubject(manager, 'p1'));
    await expect(commit('p1', 'name', 'Ada')).rejects.toMatchObject({ code: 'audit-subject-erased' });
    const rows: unknown[] = await app.platform.database.manager.query('SELECT FROM audit_subject_key WHERE key IS NULL');
    expect(rows).toHaveLength(1);
  });

  it('proves that a later log contains an earlier one', async () => {
    const reader = app.nest.get(LogReader, { strict: false });
    const { size } = await reader.published();
    expect((await reader.consistencyProof(3n, size)).length).toBeGreaterThan(0);
    await expect(reader.consistencyProof(3n, size + 1n)).rejects.toMatchObject({ code: 'not-found' });
    await expect(reader.inclusionProof(size)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('makes its files again, byte for byte, when they are lost', async () => {
    await app.close();
    const folder = join(installation.folder, 'log');
    const before = await verifyLog();
    const tile = readFileSync(join(folder, 'tile/0/000'));
    rmSync(folder, { recursive: true });
    app = await openTestApplication(installation, [AuditModule, principalsModule(new FakePrincipals())]);
    audit = app.nest.get(AuditService, { strict: false });
    const after = await verifyLog();
    expect(readFileSync(join(folder, 'tile/0/000'))).toEqual(tile);
    expect(after.events.slice(0, before.events.length)).toEqual(before.events);
  });
});
