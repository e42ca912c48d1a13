import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identifier, releaserRole, serverRole, withClient } from './roles.js';
import { createTestDatabase, type TestDatabase } from './testing.js';

describe('the two roles of a database', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await withClient(database.connectionFor(serverRole), async (client) => {
      await client.query('CREATE TABLE ledger (id int PRIMARY KEY)');
      await client.query('CREATE TABLE diary (id int PRIMARY KEY)');
      await client.query(`GRANT SELECT ON ledger TO ${releaserRole}`);
    });
    await withClient(database.connectionFor(releaserRole), (client) => client.query('CREATE TABLE released (id int PRIMARY KEY)'));
  });

  afterAll(() => database.drop());

  const attempt = (role: string, statement: string) => withClient(database.connectionFor(role), (client) => client.query(statement));
  const denied = { code: '42501' };

  it.each([
    ['read', 'SELECT * FROM releaser.released'],
    ['write', 'INSERT INTO releaser.released VALUES (1)'],
    ['drop a table of', 'DROP TABLE releaser.released'],
    ['drop', 'DROP SCHEMA releaser CASCADE'],
    ['make a table in', 'CREATE TABLE releaser.planted (id int)'],
  ])('refuses the server to %s the schema of the releaser', async (_what, statement) => {
    await expect(attempt(serverRole, statement)).rejects.toMatchObject(denied);
  });

  it.each([
    ['the releaser', `SET ROLE ${releaserRole}`],
    ['the administrator', 'SET ROLE strongroom_admin'],
  ])('refuses the server to become %s', async (_who, statement) => {
    await expect(attempt(serverRole, statement)).rejects.toMatchObject(denied);
  });

  it('refuses the server to drop the database', async () => {
    const elsewhere = await createTestDatabase();
    const drop = withClient(elsewhere.connectionFor(serverRole), (client) => client.query(`DROP DATABASE ${database.database}`));
    await expect(drop).rejects.toMatchObject(denied);
    await elsewhere.drop();
  });

  it('lets the releaser read what the server granted, and nothing else', async () => {
    await expect(attempt(releaserRole, 'SELECT * FROM public.ledger')).resolves.toMatchObject({ rowCount: 0 });
    await expect(attempt(releaserRole, 'SELECT * FROM public.diary')).rejects.toMatchObject(denied);
    await expect(attempt(releaserRole, 'INSERT INTO public.ledger VALUES (1)')).rejects.toMatchObject(denied);
    await expect(attempt(releaserRole, 'CREATE TABLE public.planted (id int)')).rejects.toMatchObject(denied);
  });

  it('keeps names planted in public out of what the releaser calls', async () => {
    await attempt(serverRole, "CREATE FUNCTION verdict() RETURNS text LANGUAGE sql AS $$ SELECT 'forged' $$");
    await expect(attempt(releaserRole, 'SELECT verdict()')).rejects.toMatchObject({ code: '42883' });
  });

  it('refuses a wrong password', async () => {
    const connection = { ...database.connectionFor(serverRole), password: 'guess' };
    await expect(withClient(connection, (client) => client.query('SELECT 1'))).rejects.toMatchObject({ code: '28P01' });
  });

  it('refuses a role nobody made', () => {
    expect(() => database.connectionFor('stranger')).toThrow(expect.objectContaining({ code: 'role-unknown' }));
  });
});

describe('copies for suites', () => {
  it('migrates a named template once and gives each suite its own copy', async () => {
    let migrations = 0;
    const migrate = async (connection: Parameters<typeof withClient>[0]) => {
      migrations += 1;
      await withClient(connection, (client) => client.query('CREATE TABLE note (text text)'));
    };
    const suites = await Promise.all([1, 2, 3].map(() => createTestDatabase({ migrate, template: 'copies_for_suites' })));
    expect(migrations).toBe(1);
    const [first, second] = suites;
    if (first === undefined || second === undefined) throw new Error('three suites were asked for');
    await withClient(first.connectionFor(serverRole), (client) => client.query("INSERT INTO note VALUES ('mine')"));
    const seen = await withClient(second.connectionFor(serverRole), (client) => client.query('SELECT * FROM note'));
    expect(seen.rowCount).toBe(0);
    await Promise.all(suites.map((suite) => suite.drop()));
  });

  it('begins again after a migration that failed', async () => {
    const failing = createTestDatabase({ migrate: () => Promise.reject(new Error('typing error')), template: 'failing_once' });
    await expect(failing).rejects.toThrow('typing error');
    const suite = await createTestDatabase({
      migrate: async (connection) => void (await withClient(connection, (client) => client.query('CREATE TABLE note (text text)'))),
      template: 'failing_once',
    });
    await suite.drop();
  });
});

it.each(['', 'Upper', 'a"b', 'a b', '1a', 'a'.repeat(64)])('refuses the name %j', (name) => {
  expect(() => identifier(name)).toThrow(expect.objectContaining({ code: 'name-malformed' }));
});
