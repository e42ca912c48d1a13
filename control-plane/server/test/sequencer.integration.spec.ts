import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { answerAddCheckpoint, createCosigner, parseVkey, type LogStorage, type WitnessedTree } from '@strongroom/attestation-tlog';
import type { QueryRunner } from 'typeorm';
import { Term } from '../src/audit/term.js';
import { Witnesses, type Witness } from '../src/audit/witnesses.js';
import type { Database } from '../src/platform/database.js';
import { createInstallation, type Installation } from './support/installation.js';
import { partsOf, recordEvent, storageOf, verifyPublished } from './support/log-parts.js';

let installation: Installation;
let database: Database;
let terms: Term[] = [];

beforeEach(async () => {
  installation = await createInstallation();
  database = await installation.openDatabase();
});
afterEach(async () => {
  await Promise.all(terms.map((term) => term.end()));
  terms = [];
  await database.close();
  await installation.remove();
});

async function begin(changes: Parameters<typeof partsOf>[2] = {}): Promise<Term> {
  const term = await Term.begin(partsOf(installation, database, changes));
  if (!term) throw new Error('the lock is taken');
  terms.push(term);
  return term;
}

async function round(term: Term): Promise<void> {
  await term.sequence();
  if (term.isBehind) await term.publish();
}

/** Everything acknowledged is there once; whatever is pending follows in the next term. */
async function expectRecovered(ids: readonly string[]): Promise<void> {
  const term = await begin();
  await round(term);
  const logged = await verifyPublished(installation);
  expect(new Set(logged).size).toBe(logged.length);
  for (const id of ids) expect(logged.filter((one) => one === id)).toHaveLength(1);
  const [{ count }]: [{ count: string }] = await database.manager.query('SELECT count(*) FROM audit_pending');
  expect(count).toBe('0');
}

/** The same database, whose next commit on a connection of its own goes wrong. */
function withCommit(commit: (runner: QueryRunner, real: () => Promise<void>) => Promise<void>): Pick<Database, 'connection'> {
  let failures = 1;
  return {
    connection: async () => {
      const runner = await database.connection();
      const real = runner.commitTransaction.bind(runner);
      runner.commitTransaction = () => (failures-- > 0 ? commit(runner, real) : real());
      return runner;
    },
  };
}

describe('a write that goes wrong', () => {
  it('is repeated when the commit failed', async () => {
    const ids = [await recordEvent(database), await recordEvent(database)];
    const failing = withCommit(() => Promise.reject(new Error('commit failed')));
    const term = await begin({ database: failing as Database });
    await expect(term.sequence()).rejects.toThrow('commit failed');
    await term.end();
    await expectRecovered(ids);
  });

  it('is not repeated when the commit failed but persisted', async () => {
    const ids = [await recordEvent(database), await recordEvent(database)];
    const failing = withCommit(async (_runner, real) => {
      await real();
      throw new Error('connection lost after commit');
    });
    const term = await begin({ database: failing as Database });
    await expect(term.sequence()).rejects.toThrow('connection lost');
    await term.end();
    await expectRecovered(ids);
  });

  it.each(['before', 'after'] as const)('leaves a whole log when storage fails %s the tiles persisted', async (when) => {
    const ids = [await recordEvent(database)];
    const storage = storageOf(installation);
    const failing = faulty(storage, 'write', when);
    const term = await begin({ storage: failing });
    await term.sequence();
    await expect(term.publish()).rejects.toThrow('storage failed');
    await term.end();
    await expectRecovered(ids);
  });

  it.each(['before', 'after'] as const)('leaves a whole log when storage fails %s the checkpoint persisted', async (when) => {
    const ids = [await recordEvent(database)];
    const term = await begin({ storage: faulty(storageOf(installation), 'replaceCheckpoint', when) });
    await term.sequence();
    await expect(term.publish()).rejects.toThrow('storage failed');
    await term.end();
    await expectRecovered(ids);
  });

  it('leaves a whole log when publishing persisted but its commit failed', async () => {
    const ids = [await recordEvent(database)];
    const first = await begin();
    await first.sequence();
    await first.end();
    let commits = 0;
    const failing = {
      connection: async () => {
        const runner = await database.connection();
        const real = runner.commitTransaction.bind(runner);
        runner.commitTransaction = () => (++commits === 2 ? runner.rollbackTransaction().then(() => Promise.reject(new Error('lost'))) : real());
        return runner;
      },
    };
    const term = await begin({ database: failing as unknown as Database });
    await term.sequence();
    await expect(term.publish()).rejects.toThrow('lost');
    await term.end();
    await expectRecovered(ids);
  });
});

describe('two sequencers', () => {
  it('lets one in', async () => {
    await begin();
    expect(await Term.begin(partsOf(installation, database))).toBeUndefined();
  });

  it('fences the one that was overtaken, before it can write or publish anything', async () => {
    const old = await begin();
    await round(old);
    await recordEvent(database);
    await old.sequence();
    // The lock is gone as when the server ended the session, yet the old one can still send statements.
    await unlock(old);
    const successor = await begin();
    await round(successor);
    await recordEvent(database);
    await expect(old.sequence()).rejects.toMatchObject({ code: 'sequencer-fenced' });
    await expect(old.publish()).rejects.toMatchObject({ code: 'sequencer-fenced' });
    await round(successor);
    expect(new Set(await verifyPublished(installation)).size).toBe((await verifyPublished(installation)).length);
  });

  it('ends the term of one whose connection died', async () => {
    const term = await begin();
    await round(term);
    const id = await recordEvent(database);
    await database.manager.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    await expect(term.sequence()).rejects.toThrow();
    await expectRecovered([id]);
  });
});

describe('a log that must not go on', () => {
  it('refuses a database that is an older copy than the published log', async () => {
    const term = await begin();
    await round(term);
    const [before]: [Record<string, unknown>] = await database.manager.query('SELECT * FROM audit_head');
    await recordEvent(database);
    await round(term);
    await term.end();
    await database.manager.query('UPDATE audit_head SET size = $1, root = $2, published_size = $3, checkpoint = $4', [before['size'], before['root'], before['published_size'], before['checkpoint']]);
    await expect(begin()).rejects.toMatchObject({ code: 'log-fork' });
  });

  it('refuses entries that were changed behind the log', async () => {
    const term = await begin();
    await term.sequence();
    await term.end();
    await database.manager.query('ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only');
    await database.manager.query("UPDATE audit_entry SET entry = '{}' WHERE index = 0");
    await expect(begin()).rejects.toMatchObject({ code: 'log-fork' });
  });

  it('refuses tiles that do not give the published root', async () => {
    const term = await begin();
    await round(term);
    await term.end();
    const storage = storageOf(installation);
    const tile = await storage.read('tile/0/000.p/2');
    tile?.set([1, 2, 3]);
    await storage.write([{ path: 'tile/0/000.p/2', bytes: tile ?? new Uint8Array() }]);
    await expect(begin()).rejects.toMatchObject({ code: 'log-fork' });
  });

  it('refuses a checkpoint of another key', async () => {
    const term = await begin();
    await round(term);
    await term.end();
    const storage = storageOf(installation);
    await storage.write([{ path: 'checkpoint', bytes: Buffer.from('audit.test.example/dev/2026\n1\nAAAA\n\n— x AAAAAAAA\n') }]);
    await expect(begin()).rejects.toMatchObject({ code: 'log-fork' });
  });
});

describe('witnesses', () => {
  it('cosign before a checkpoint is published, and only the quorum publishes it', async () => {
    const [one, two] = [witness('w.example/1'), witness('w.example/2')];
    const term = await begin({ witnesses: new Witnesses([one.witness, two.witness], 2) });
    two.silent = true;
    await term.sequence();
    await expect(term.publish()).rejects.toMatchObject({ code: 'witness-unavailable' });
    expect(await storageOf(installation).read('checkpoint')).toBeUndefined();
    two.silent = false;
    await term.publish();
    expect(Buffer.from((await storageOf(installation).read('checkpoint')) ?? []).toString().match(/^— /gmu)).toHaveLength(3);
    await recordEvent(database);
    await round(term);
    await verifyPublished(installation);
  });

  it('stop the start of a log that is behind them, or another one', async () => {
    const one = witness('w.example/1');
    const witnesses = () => new Witnesses([one.witness], 1);
    const term = await begin({ witnesses: witnesses() });
    await round(term);
    await term.end();
    const seen = one.tree;
    one.tree = { size: 1000n, rootHash: new Uint8Array(32) };
    await expect(begin({ witnesses: witnesses() })).rejects.toMatchObject({ code: 'log-fork' });
    one.tree = { size: seen?.size ?? 0n, rootHash: new Uint8Array(32) };
    await expect(begin({ witnesses: witnesses() })).rejects.toMatchObject({ code: 'log-fork' });
  });

  it('are counted once each, and must be as many as the anchors ask for', () => {
    const one = witness('w.example/1');
    expect(() => new Witnesses([one.witness], 2)).toThrow(/distinct/);
    expect(() => new Witnesses([one.witness, one.witness], 2)).toThrow(/distinct/);
  });
});

/** A witness that keeps what it cosigned, by the judgement of the log package. */
function witness(name: string) {
  const cosigner = createCosigner({ name, privateKey: generateKeyPairSync('ed25519').privateKey });
  const state: { silent: boolean; tree: WitnessedTree | undefined; witness: Witness } = {
    silent: false,
    tree: undefined,
    witness: {
      verifier: cosigner.verifier,
      post: (body) => {
        if (state.silent) return Promise.reject(new Error('no answer'));
        const verdict = answerAddCheckpoint(body, { keysOf: () => [parseVkey(installation.anchors.log.vkey)], latestOf: () => state.tree });
        if (verdict.status === 409) return Promise.resolve({ status: 409, contentType: 'text/x.tlog.size', body: Buffer.from(`${verdict.size}\n`) });
        if (verdict.status !== 200) return Promise.resolve({ status: verdict.status, body: new Uint8Array() });
        state.tree = verdict.tree;
        return Promise.resolve({ status: 200, body: Buffer.from(`${cosigner.cosign(verdict.checkpoint, 1_800_000_000)}\n`) });
      },
    },
  };
  return state;
}

/** Storage that fails once, before or after doing what it was asked. */
function faulty(storage: LogStorage, method: 'write' | 'replaceCheckpoint', when: 'before' | 'after'): LogStorage {
  let failures = 1;
  const once = async (work: () => Promise<void>) => {
    if (failures-- <= 0) return work();
    if (when === 'after') await work();
    throw new Error('storage failed');
  };
  return {
    read: (path) => storage.read(path),
    prune: (paths) => storage.prune(paths),
    write: (files) => (method === 'write' ? once(() => storage.write(files)) : storage.write(files)),
    replaceCheckpoint: (expected, next) => (method === 'replaceCheckpoint' ? once(() => storage.replaceCheckpoint(expected, next)) : storage.replaceCheckpoint(expected, next)),
  };
}

/** Takes a term's lock away while its connection lives. */
async function unlock(term: Term): Promise<void> {
  const { store } = term as unknown as { store: { runner: QueryRunner } };
  await store.runner.query('SELECT pg_advisory_unlock_all()');
}
