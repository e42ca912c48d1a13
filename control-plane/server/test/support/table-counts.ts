import { releaserRole } from '@strongroom/control-plane-postgres';
import { Client } from 'pg';
import type { ServerUnderTest } from './server-under-test.js';

/** Rows of every table of server and releaser: what a refusal must leave alone. Heartbeats of the log do not count. */
export async function tableCounts(server: ServerUnderTest): Promise<Record<string, number>> {
  const releaser = new Client({ ...server.installation.test.connectionFor(releaserRole) });
  await releaser.connect();
  try {
    const own = await counts((sql) => server.rows(sql), 'public');
    const theirs = await counts(async (sql) => (await releaser.query(sql)).rows as object[], 'releaser');
    return { ...own, ...theirs };
  } finally {
    await releaser.end();
  }
}

async function counts(query: (sql: string) => Promise<object[]>, schema: string): Promise<Record<string, number>> {
  const tables = (await query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}' AND tablename NOT IN ('audit_head', 'audit_pending', 'audit_entry', 'audit_chain_head', 'audit_chain_entry', 'audit_chain')`)) as { tablename: string }[];
  const named = tables.map(({ tablename }) => `SELECT '${schema}.${tablename}' AS name, count(*)::int AS n FROM ${schema}.${tablename}`);
  const events = schema === 'public' ? [`SELECT 'events' AS name, ((SELECT count(*) FROM audit_entry WHERE class_uid <> 6002) + (SELECT count(*) FROM audit_pending WHERE event::json->>'class_uid' <> '6002'))::int AS n`] : [];
  const rows = (await query([...named, ...events].join(' UNION ALL '))) as { name: string; n: number }[];
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}
