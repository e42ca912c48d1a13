export { PostgresError, type PostgresErrorCode } from './errors.js';
export { removePostgres, startPostgres, type PostgresOptions, type PostgresServer } from './server.js';
export { releaserRole, serverRole, type PostgresConnection } from './roles.js';
export { createTestDatabase, testDatabase, type TestDatabase, type TestDatabaseOptions } from './testing.js';
