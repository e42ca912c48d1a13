import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { digest, slug } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { ReleaserError, type StartFault } from '../errors.js';
import { readPrivateFile } from './private-file.js';

/** Linux allows 107 bytes and a terminator (unix(7), sun_path). */
export const MAX_SOCKET_PATH_BYTES = 107;
const MAX_CONFIG_BYTES = 64 * 1024;
const path = z.string().min(1).max(4096);
const wholeSeconds = z.number().int().min(1);

/** The configuration file; relative paths are relative to it. No default weakens a check. */
const configSchema = z.strictObject({
  profile: z.enum(['development', 'production']),
  /** Mode 0700, ours: signing key and, in development, the key store. */
  state_folder: path,
  /** Default `releaser.sock` in the state folder. Made with mode 0600: whoever can open it can ask for keys, and get only what is proven. */
  socket: path.optional(),
  database: z.strictObject({
    /** A host, or the folder of a Unix socket. */
    host: z.string().min(1).max(4096),
    port: z.number().int().min(1).max(65_535),
    user: z.string().min(1).max(63).default('strongroom_releaser'),
    database: z.string().min(1).max(63),
    /** Mode 0600. */
    password_file: path,
  }),
  /** The anchors document, and its digest from out of band: whoever can change both decides everything. */
  anchors: z.strictObject({ file: path, digest }),
  genesis: z.strictObject({ file: path, digest }),
  policy: z.strictObject({
    /** The folder of the built bundle, with data by profile; by default the one that ships. */
    folder: path.optional(),
    /** As the signed policy envelope names it. */
    revision: z.number().int().min(1).max(2_147_483_647),
    /** Optional: refuse to start with another bundle. The envelope's signatures are checked at each release either way. */
    digest: digest.optional(),
  }),
  /** Ed25519, PKCS #8 PEM, mode 0600. Default `signing-key.pem` in the state folder. Its public half is the anchors' `releaser`. */
  signing_key_file: path.optional(),
  key_service: z.discriminatedUnion('adapter', [
    /** Keys on this machine's disk. Development profile only. Default folder `keys` in the state folder. */
    z.strictObject({ adapter: z.literal('development'), folder: path.optional() }),
  ]),
  /** How old a logged decision may be when its keys are asked for. Longer means that a stolen one can be used longer. */
  max_decision_age_seconds: wholeSeconds.max(300).default(60),
  /** For logs only. */
  name: slug.default('releaser'),
});

type ConfigFile = z.infer<typeof configSchema>;

/** Every path absolute, every secret read. */
export interface ReleaserConfig {
  readonly profile: ConfigFile['profile'];
  readonly name: string;
  readonly stateFolder: string;
  readonly socket: string;
  readonly database: { readonly host: string; readonly port: number; readonly user: string; readonly database: string; readonly passwordFile: string };
  readonly anchors: { readonly file: string; readonly digest: string };
  readonly genesis: { readonly file: string; readonly digest: string };
  readonly policy: { readonly folder: string | undefined; readonly revision: number; readonly digest: string | undefined };
  readonly signingKeyFile: string;
  readonly keyService: { readonly adapter: 'development'; readonly folder: string };
  readonly maxDecisionAgeSeconds: number;
  /** Evidence that nodes of this profile may enrol with. */
  readonly evidenceKinds: readonly ('tpm2' | 'software')[];
  /** What an unhardened process means: a reason not to start, or a warning. */
  readonly hardening: 'refuse' | 'warn';
  /** Whether tests may end the process at a named point. */
  readonly crashPoints: boolean;
}

/** All that a profile changes stands here. */
const PROFILES: Readonly<Record<ConfigFile['profile'], Pick<ReleaserConfig, 'evidenceKinds' | 'hardening' | 'crashPoints'>>> = {
  development: { evidenceKinds: ['tpm2', 'software'], hardening: 'warn', crashPoints: true },
  production: { evidenceKinds: ['tpm2'], hardening: 'refuse', crashPoints: false },
};

/**
 * Reads and checks the configuration.
 * @throws ReleaserError `config-invalid`, with every fault found
 */
export async function loadConfig(file: string): Promise<ReleaserConfig> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw invalid([{ at: '', message: 'the configuration file cannot be read' }], cause);
  });
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) throw invalid([{ at: '', message: 'the configuration file is too large' }]);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid([{ at: '', message: 'the configuration file is not JSON' }], cause);
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path: at, message }) => ({ at: at.join('.'), message })));
  const config = resolveConfig(parsed.data, dirname(resolve(file)));
  const faults = configFaults(config);
  if (faults.length > 0) throw invalid(faults);
  return Object.freeze(config);
}

function resolveConfig(file: ConfigFile, base: string): ReleaserConfig {
  const from = (folder: string, given: string): string => (isAbsolute(given) ? given : join(folder, given));
  const stateFolder = from(base, file.state_folder);
  const { password_file, ...database } = file.database;
  return {
    profile: file.profile,
    name: file.name,
    stateFolder,
    socket: file.socket === undefined ? join(stateFolder, 'releaser.sock') : from(base, file.socket),
    database: { ...database, passwordFile: from(base, password_file) },
    anchors: { ...file.anchors, file: from(base, file.anchors.file) },
    genesis: { ...file.genesis, file: from(base, file.genesis.file) },
    policy: { folder: file.policy.folder === undefined ? undefined : from(base, file.policy.folder), revision: file.policy.revision, digest: file.policy.digest },
    signingKeyFile: file.signing_key_file === undefined ? join(stateFolder, 'signing-key.pem') : from(base, file.signing_key_file),
    keyService: { adapter: file.key_service.adapter, folder: file.key_service.folder === undefined ? join(stateFolder, 'keys') : from(base, file.key_service.folder) },
    maxDecisionAgeSeconds: file.max_decision_age_seconds,
    ...PROFILES[file.profile],
  };
}

function configFaults(config: ReleaserConfig): StartFault[] {
  const faults: StartFault[] = [];
  if (Buffer.byteLength(config.socket) > MAX_SOCKET_PATH_BYTES) faults.push({ at: 'socket', message: `a socket path has at most ${MAX_SOCKET_PATH_BYTES} bytes` });
  if (config.keyService.adapter === 'development' && config.profile !== 'development') {
    faults.push({ at: 'key_service.adapter', message: 'the development key store is for the development profile only' });
  }
  return faults;
}

/** The database password as text, which the driver asks for; the file's bytes are zeroed. */
export async function readPassword(file: string): Promise<string | StartFault> {
  const bytes = await readPrivateFile(file, 1024);
  if (typeof bytes === 'string') return { at: 'database.password_file', message: bytes };
  const password = Buffer.from(bytes).toString('utf8').trim();
  bytes.fill(0);
  return password === '' ? { at: 'database.password_file', message: 'is empty' } : password;
}

function invalid(faults: readonly StartFault[], cause?: unknown): ReleaserError {
  return new ReleaserError('config-invalid', faults.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`)).join('; '), { faults, cause });
}
