import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { defineConfig, type ConfigOf } from './config.js';
import type { DatabaseConnection } from './database.js';
import { StrongroomError } from './errors.js';
import { trustConfig } from './trust.config.js';

const port = z.number().int().min(0).max(65_535);
const hostName = z.string().regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[::1\])$/, 'must be a lowercase host name or address');
const filePath = z.string().min(1).max(4096);

/** Who this installation is. Both stand in node certificates and in the log's origin. */
export const identityConfig = defineConfig(
  'identity',
  z.strictObject({
    /** SPIFFE trust domain and suffix of the log's origin. Danger: changing it orphans every node. */
    domain: hostName.default('strongroom.localhost'),
    /** Default: `main`. Danger: as `domain`. */
    tenant: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/).default('main'),
  }),
);
export type IdentityConfig = ConfigOf<typeof identityConfig>;

export const listenersConfig = defineConfig(
  'listeners',
  z.strictObject({
    /** Address both listeners bind. Default: this machine only. Danger: the people listener speaks plain HTTP; put TLS before it. */
    address: z.union([z.ipv4(), z.ipv6()]).default('127.0.0.1'),
    /** TCP port for people. Default 7080. */
    peoplePort: port.default(7080),
    /** TCP port for agents, mutual TLS 1.3. Default 7443. */
    agentsPort: port.default(7443),
    /** Host names people may use; any other answers 404, so that a foreign page cannot rebind a name to us. */
    peopleHosts: z.array(hostName).min(1).default(['localhost', '127.0.0.1', '[::1]']),
    /** Host names of the approval page alone; its passkeys live under this name only (the relying-party id). */
    approvalHosts: z.array(hostName).min(1).default(['approve.localhost']),
    /** Names in the agents listener's certificate. */
    agentsHosts: z.array(hostName).min(1).default(['localhost', '127.0.0.1']),
    /** Bytes a request body may have where the route does not say otherwise. Default 64 KiB. */
    bodyLimitBytes: z.number().int().min(1024).max(16 * 1024 * 1024).default(64 * 1024),
    /** Requests a principal (else an address) may make in a minute. Default 1200. */
    requestsPerMinute: z.number().int().min(1).max(1_000_000).default(1200),
    /** Failed authentications an address may make in a minute. Default 60. */
    failuresPerMinute: z.number().int().min(1).max(100_000).default(60),
  }),
  {
    // STRONGROOM_PORT moves both: people to it, agents to the next one.
    environment: ({ STRONGROOM_PORT: moved }) => {
      if (moved === undefined) return {};
      const peoplePort = /^\d{1,5}$/.test(moved) ? Number(moved) : NaN;
      return { peoplePort, agentsPort: peoplePort + 1 };
    },
    forbidden: ({ peopleHosts, approvalHosts }) =>
      peopleHosts.some((host) => approvalHosts.includes(host)) ? ['peopleHosts and approvalHosts must differ: approval passkeys do one thing'] : [],
  },
);
export type ListenersConfig = ConfigOf<typeof listenersConfig>;

export const databaseConfig = defineConfig(
  'database',
  z.strictObject({
    /** `postgresql://…`. Without it, `urlFile` and `connectionFile`, development starts its own database in `folder`. */
    url: z.string().regex(/^postgres(?:ql)?:\/\//, 'must be a postgresql:// URL').optional(),
    /** File that holds the URL, so that its password is in no environment. */
    urlFile: filePath.optional(),
    /** JSON file `{host, port, user, password, database}`, mode 0600; `host` may be the folder of a Unix socket. */
    connectionFile: filePath.optional(),
    /** Data of the embedded database (development only). */
    folder: filePath.default('.strongroom/database'),
    /** Connections one process opens at most. Default 20. */
    poolSize: z.number().int().min(4).max(200).default(20),
    /** Milliseconds one statement may run. Default 15000. */
    statementTimeoutMs: z.number().int().min(100).max(600_000).default(15_000),
  }),
  {
    environment: ({ DATABASE_URL: url }) => (url === undefined ? {} : { url }),
    forbidden: (config, profile) => {
      const named = [config.url, config.urlFile, config.connectionFile].filter((source) => source !== undefined).length;
      if (named > 1) return ['name one of url (or DATABASE_URL), urlFile and connectionFile'];
      return profile === 'production' && named === 0 ? ['production needs urlFile or connectionFile (or DATABASE_URL)'] : [];
    },
  },
);
export type DatabaseConfig = ConfigOf<typeof databaseConfig>;

const connectionSchema = z.strictObject({
  host: z.string().min(1).max(4096),
  port,
  user: z.string().min(1).max(63),
  password: z.string().min(1).max(1024),
  database: z.string().min(1).max(63),
});

/**
 * The configured database, or undefined where the embedded one is meant.
 * @throws StrongroomError `config-invalid`; nothing of a connection file's contents is told
 */
export function databaseConnection(config: DatabaseConfig): DatabaseConnection | undefined {
  if (config.connectionFile !== undefined) return readConnection(config.connectionFile);
  const url = config.url ?? (config.urlFile === undefined ? undefined : readFileSync(config.urlFile, 'utf8').trim());
  return url === undefined ? undefined : { url };
}

function readConnection(path: string): DatabaseConnection {
  let parsed: ReturnType<typeof connectionSchema.safeParse> | undefined;
  try {
    if ((statSync(path).mode & 0o077) === 0) parsed = connectionSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // Not kept as cause: a parser's message quotes what it read, and that is a password.
  }
  if (parsed?.success !== true) throw new StrongroomError('config-invalid', `${path} must be JSON {host, port, user, password, database} with mode 0600`);
  return parsed.data;
}

export const authorityConfig = defineConfig(
  'authority',
  z.strictObject({
    /** PEM of the CA that signs node certificates. Danger: whoever can replace it can be any node. */
    certificateFile: filePath.default('.strongroom/authority/certificate.pem'),
    /** PEM (PKCS#8) of its key; refused unless its mode is 0600 or tighter. */
    keyFile: filePath.default('.strongroom/authority/key.pem'),
    /** Hours a node certificate lives. Default 24. */
    nodeCertificateHours: z.number().int().min(1).max(24 * 30).default(24),
  }),
);
export type AuthorityConfig = ConfigOf<typeof authorityConfig>;

export const logConfig = defineConfig(
  'logging',
  z.strictObject({
    /** Least severe level written. Default info. */
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  }),
  { environment: ({ STRONGROOM_LOG_LEVEL: level }) => (level === undefined ? {} : { level }) },
);
export type LogConfig = ConfigOf<typeof logConfig>;

export const testingConfig = defineConfig(
  'testing',
  z.strictObject({
    /** Crash point at which the process ends itself, `name` or `name:n` for its n-th passing. Set by STRONGROOM_CRASH_AT; development only. */
    crashAt: z.string().regex(/^[a-z-]{1,40}(?::[1-9]\d{0,5})?$/).optional(),
  }),
  {
    environment: ({ STRONGROOM_CRASH_AT: crashAt }) => (crashAt === undefined ? {} : { crashAt }),
    forbidden: ({ crashAt }, profile) => (profile === 'production' && crashAt !== undefined ? ['STRONGROOM_CRASH_AT is for tests'] : []),
  },
);
export type TestingConfig = ConfigOf<typeof testingConfig>;

export const platformSections = [identityConfig, listenersConfig, databaseConfig, authorityConfig, trustConfig, logConfig, testingConfig] as const;
