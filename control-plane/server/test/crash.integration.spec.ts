import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { serverRole } from '@strongroom/control-plane-postgres';
import { Term } from '../src/audit/term.js';
import { createInstallation, type Installation } from './support/installation.js';
import { partsOf, verifyPublished } from './support/log-parts.js';

const support = join(import.meta.dirname, 'support');

let installation: Installation;
beforeEach(async () => {
  installation = await createInstallation();
});
afterEach(async () => {
  await installation.remove();
});

/** Runs recorders in a process of their own until the crash point ends it. */
async function recordUntilDeath(crashAt: string): Promise<{ signal: string | null; committed: string[]; acknowledged: string[] }> {
  const task = join(installation.folder, 'task.json');
  writeFileSync(task, JSON.stringify({ file: installation.file, connection: installation.test.connectionFor(serverRole), recorders: 8 }), { mode: 0o600 });
  const node = ['--no-warnings', '--conditions=strongroom-source', '--import', join(support, 'typescript.mjs'), join(support, 'recorder.ts'), task];
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, STRONGROOM_CRASH_AT: crashAt, NODE_OPTIONS: '' } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const signal = await new Promise<string | null>((resolve) => child.once('close', (_code, by) => { resolve(by); }));
  const said = (word: string) => [...output.matchAll(new RegExp(`^${word} (.+)$`, 'gmu'))].map((match) => match[1] ?? '');
  return { signal, committed: said('committed'), acknowledged: said('acknowledged') };
}

describe('a server killed in the middle of its log', () => {
  it.each(['after-sequence:6', 'after-tiles:6', 'after-checkpoint-file:6', 'after-checkpoint:6', 'after-sequence:1', 'after-checkpoint-file:1'])(
    'has lost and doubled nothing, killed %s',
    async (crashAt) => {
      const { signal, committed, acknowledged } = await recordUntilDeath(crashAt);
      expect(signal).toBe('SIGKILL');
      if (crashAt.endsWith(':6')) expect(committed.length).toBeGreaterThan(0);
      const atDeath = crashAt === 'after-sequence:1' ? [] : await verifyPublished(installation);
      for (const id of acknowledged) expect(atDeath).toContain(id);
      const database = await installation.openDatabase();
      try {
        const term = await officeOf(partsOf(installation, database));
        await term.sequence();
        if (term.isBehind) await term.publish();
        await term.end();
      } finally {
        await database.close();
      }
      const logged = await verifyPublished(installation);
      expect(new Set(logged).size).toBe(logged.length);
      for (const id of committed) expect(logged.filter((one) => one === id)).toHaveLength(1);
      expect(logged.slice(0, atDeath.length)).toEqual(atDeath);
    },
    60_000,
  );
});

/** The dead process's connection may hold the lock until the server notices. */
async function officeOf(parts: Parameters<typeof Term.begin>[0]): Promise<Term> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const term = await Term.begin(parts);
    if (term) return term;
    if (Date.now() > deadline) throw new Error('the lock is still taken');
  }
}
