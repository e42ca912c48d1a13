import { DiskLogStorage, parseVkey, verifyCheckpoint, verifyLogFolder } from '@strongroom/attestation-tlog';
import { logStatementOf } from '@strongroom/control-plane-contract';
import { releaserRole, serverRole } from '@strongroom/control-plane-postgres';
import { Client } from 'pg';
import type { ServerInstallation } from './server-installation.js';

/** What server, releaser and log each say of the releases there were; all by release id, sorted. */
export interface ReleaseLedger {
  readonly server: readonly { readonly id: string; readonly state: string }[];
  readonly serverDebits: readonly string[];
  readonly releaser: readonly string[];
  readonly releaserDebits: readonly string[];
  /** From the published files alone, verified. */
  readonly logged: readonly string[];
  /** Uses by request. */
  readonly uses: Readonly<Record<string, number>>;
}

export async function releaseLedger(installation: ServerInstallation): Promise<ReleaseLedger> {
  const [server, releaser] = await Promise.all([serverRole, releaserRole].map((role) => connect(installation, role)) as [Promise<Client>, Promise<Client>]);
  try {
    const column = async (client: Client, sql: string): Promise<string[]> => (await client.query<{ id: string }>(sql)).rows.map(({ id }) => id);
    const uses = (await server.query<{ id: string; uses: number }>('SELECT id, uses FROM access_request WHERE uses > 0')).rows;
    return {
      server: (await server.query<{ id: string; state: string }>('SELECT id, state FROM release ORDER BY id')).rows,
      serverDebits: await column(server, 'SELECT release AS id FROM budget_ledger ORDER BY 1'),
      releaser: await column(releaser, 'SELECT release_id AS id FROM releaser.release ORDER BY 1'),
      releaserDebits: await column(releaser, 'SELECT release_id AS id FROM releaser.ledger ORDER BY 1'),
      logged: await loggedReleases(installation),
      uses: Object.fromEntries(uses.map((row) => [row.id, row.uses])),
    };
  } finally {
    await Promise.all([server.end(), releaser.end()]);
  }
}

/** Release ids of the published log, each as often as it stands there. @throws when the log does not verify */
export async function loggedReleases({ logFolder, world }: ServerInstallation): Promise<string[]> {
  const storage = new DiskLogStorage(logFolder);
  const { log } = world.anchors.value;
  const checkpoint = verifyCheckpoint((await storage.read('checkpoint')) ?? new Uint8Array(), { origin: log.origin, log: parseVkey(log.vkey) });
  const ids: string[] = [];
  await verifyLogFolder((path) => storage.read(path), checkpoint, {
    onEntry: ({ bytes }) => {
      if (!Buffer.from(bytes).includes('strongroom/log/release/v1')) return;
      const statement = logStatementOf(bytes);
      if (statement.type === 'strongroom/log/release/v1') ids.push(statement.release_id);
    },
  });
  return ids.sort();
}

async function connect({ test }: ServerInstallation, role: string): Promise<Client> {
  const client = new Client({ ...test.connectionFor(role) });
  await client.connect();
  return client;
}
