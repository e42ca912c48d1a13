import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serverRole } from '@strongroom/control-plane-postgres';
import { Client } from 'pg';
import { Database } from '../src/database/database.js';
import { MIGRATIONS } from '../src/database/migrations.js';
import { ReleaserUnderTest } from './support/running-releaser.js';

let releaser: ReleaserUnderTest;
beforeAll(async () => {
  releaser = await ReleaserUnderTest.start();
});
afterAll(async () => {
  await releaser.stop();
});

describe('the socket', () => {
  it.each([
    ['another path', '/v2/status', '{}', {}, 404, 'releaser-unknown-operation'],
    ['another operation', '/v1/unwrap', '{}', {}, 404, 'releaser-unknown-operation'],
    ['an inherited name', '/v1/constructor', '{}', {}, 404, 'releaser-unknown-operation'],
    ['another method', '/v1/status', '', { method: 'GET' }, 404, 'releaser-unknown-operation'],
    ['another content type', '/v1/status', '{}', { contentType: 'text/plain' }, 400, 'releaser-malformed'],
    ['no JSON', '/v1/status', '{', {}, 400, 'releaser-malformed'],
    ['a list', '/v1/status', '[]', {}, 400, 'releaser-malformed'],
    ['nothing', '/v1/status', '', {}, 400, 'releaser-malformed'],
    ['an extra member', '/v1/status', '{"a":1}', {}, 400, 'releaser-malformed'],
    ['too much', '/v1/challenge', JSON.stringify({ node: 'x'.repeat(2000) }), {}, 400, 'releaser-malformed'],
  ] as const)('refuses %s', async (_, path, body, options, status, code) => {
    expect(await releaser.client.post(path, body, options)).toMatchObject({ status, body: { code } });
  });

  it('echoes nothing of what it was sent', async () => {
    const { body } = await releaser.client.post('/v1/enrol-complete', JSON.stringify({ enrolment: 'x', response: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ' }));
    expect(JSON.stringify(body)).not.toContain('c2VjcmV0');
  });
});

describe('the tables', () => {
  it("are out of the server role's reach", async () => {
    const client = new Client({ ...releaser.installation.database.connectionFor(serverRole) });
    await client.connect();
    for (const table of ['nonce', 'enrolment', 'binding', 'release', 'ledger', 'revocation', 'high_water', 'migration']) {
      await expect(client.query(`SELECT * FROM releaser.${table}`)).rejects.toMatchObject({ code: '42501' });
    }
    await client.end();
  });

  it('are made once; another history of them is refused', async () => {
    const connection = { ...releaser.installation.database.connectionFor('strongroom_releaser') };
    const database = Database.open(connection);
    await database.migrate();
    await Promise.all([database.migrate(), database.migrate()]);
    await expect(database.migrate(MIGRATIONS.map((migration, at) => (at === 0 ? { ...migration, sql: `${migration.sql} -- edited` } : migration)))).rejects.toMatchObject({ code: 'database-migration' });
    await expect(database.migrate(MIGRATIONS.slice(0, 1))).rejects.toMatchObject({ code: 'database-migration' });
    await database.close();
  });

  it('keep a release from going back, growing or being forgotten', async () => {
    await releaser.enrol();
    const release = await releaser.sign();
    await releaser.client.call('release', release.body);
    await expect(releaser.rows(`UPDATE release SET state = 'unwrapping'`)).rejects.toThrow(/unwrapping, answered, ended/);
    await expect(releaser.rows('UPDATE release SET bytes = 1')).rejects.toThrow(/keeps what it was made for/);
    await expect(releaser.rows('DELETE FROM release')).rejects.toThrow(/never changed/);
    await expect(releaser.rows('UPDATE ledger SET bytes = 0')).rejects.toThrow(/never changed/);
    await expect(releaser.rows('DELETE FROM ledger')).rejects.toThrow(/never changed/);
  });

  it('answer unavailable, not yes, when they cannot be asked', async () => {
    const node = releaser.world.nodeId;
    const release = await releaser.sign({ label: 'cut off' });
    await releaser.rows('ALTER TABLE revocation RENAME TO hidden');
    expect(await releaser.client.codeOf('release', release.body)).toBe('releaser-unavailable');
    expect(await releaser.client.codeOf('challenge', { node, purpose: 'release' })).toBe('releaser-unavailable');
    await releaser.rows('ALTER TABLE hidden RENAME TO revocation');
    expect(await releaser.client.codeOf('release', release.body)).toBe('answered');
  });
});
