import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseConfig } from './config.js';
import { databaseConfig, databaseConnection } from './platform.config.js';

const connection = { host: '/run/pg', port: 5432, user: 'strongroom_server', password: 'not-a-secret', database: 'strongroom' };

describe('the configured database', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'strongroom-connection-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const read = (text: string, mode = 0o600) => {
    const connectionFile = join(folder, 'database.json');
    writeFileSync(connectionFile, text, { mode });
    return databaseConnection(parseConfig([databaseConfig], { database: { connectionFile } }, {}).get(databaseConfig));
  };

  it('is taken from a connection file', () => {
    expect(read(JSON.stringify(connection))).toEqual(connection);
  });

  it.each([
    ['others can read', JSON.stringify(connection), 0o640],
    ['is not JSON', 'password=hunter2', 0o600],
    ['lacks a member', JSON.stringify({ ...connection, password: undefined }), 0o600],
    ['has an unknown member', JSON.stringify({ ...connection, ssl: false }), 0o600],
  ])('refuses a file that %s, and quotes nothing of it', (_, text, mode) => {
    expect(() => read(text, mode)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    expect(() => read(text, mode)).not.toThrow(/hunter2|not-a-secret/);
  });

  it('refuses a file that is missing', () => {
    const configuration = parseConfig([databaseConfig], { database: { connectionFile: join(folder, 'absent.json') } }, {});
    expect(() => databaseConnection(configuration.get(databaseConfig))).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });

  it('refuses two sources', () => {
    expect(() => parseConfig([databaseConfig], { database: { connectionFile: '/a', urlFile: '/b' } }, {})).toThrow(/name one of/);
  });

  it('is the embedded one when nothing is named, in development alone', () => {
    expect(databaseConnection(parseConfig([databaseConfig], {}, {}).get(databaseConfig))).toBeUndefined();
    expect(() => parseConfig([databaseConfig], { profile: 'production' }, {})).toThrow(/production needs/);
  });
});
