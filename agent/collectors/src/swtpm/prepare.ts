import { X509Certificate } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { syncToDisk } from '../durable-file.js';
import { CollectorError } from '../errors.js';
import { findTool, runTool } from './tools.js';
import type { ToolEnvironment } from './tools.js';

/** A development TPM's state on disk and the authority that certified it. */
export interface SwtpmState {
  readonly stateFolder: string;
  /** False when it stood already. */
  readonly created: boolean;
  /** X.509 DER of the authority that issued the endorsement certificates, made for this TPM alone. */
  readonly issuer: Uint8Array;
  /** X.509 DER of the root above it: what a development profile pins. */
  readonly root: Uint8Array;
}

export interface PrepareSwtpmOptions {
  readonly stateFolder: string;
  readonly env: ToolEnvironment;
  readonly timeoutMs?: number;
}

const SETUP_TIMEOUT_MS = 60_000;
/** swtpm's file for what outlives a restart. */
const STATE = 'tpm2-00.permall';
/** The names swtpm_localca gives them. */
const ISSUER = 'issuercert.pem';
const ROOT = 'swtpm-localca-rootca-cert.pem';

/**
 * Manufactures a development TPM with endorsement and platform certificates, once; a state that stands is left alone.
 * Everything it uses lies in the state folder, its authority included: neither /etc nor /var/lib is read or changed.
 * The authority's private keys are removed when the certificates are made, so that it vouches for this one TPM for ever.
 *
 * The folder appears whole (it is renamed into place) or not at all. Whoever can read it owns this TPM: mode 0700.
 *
 * @throws CollectorError `swtpm-unavailable` | `swtpm-state-incomplete` when the folder holds something else.
 */
export async function prepareSwtpm(options: PrepareSwtpmOptions): Promise<SwtpmState> {
  const stateFolder = requirePlainPath(resolve(options.stateFolder));
  const standing = await readState(stateFolder);
  if (standing !== undefined) return standing;
  await mkdir(dirname(stateFolder), { recursive: true, mode: 0o700 });
  let created = false;
  const making = await mkdtemp(`${stateFolder}.making-`);
  try {
    await manufacture(making, options.env, options.timeoutMs ?? SETUP_TIMEOUT_MS);
    created = await moveIntoPlace(making, stateFolder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  const made = await readState(stateFolder);
  if (made === undefined) throw new CollectorError('swtpm-state-incomplete', `${stateFolder} went away while it was made`);
  return { ...made, created };
}

/** swtpm reads its options as comma-separated lists and its settings line by line. */
function requirePlainPath(path: string): string {
  if (/[,\n\r]/.test(path)) throw new CollectorError('swtpm-unavailable', `swtpm cannot use a folder with a comma in its name: ${path}`);
  return path;
}

async function manufacture(folder: string, env: ToolEnvironment, timeoutMs: number): Promise<void> {
  const [setup, localca] = [await findTool('swtpm_setup', env), await findTool('swtpm_localca', env)];
  await findTool('swtpm', env);
  const [tpm, ca] = [join(folder, 'tpm'), join(folder, 'ca')];
  await mkdir(tpm, { mode: 0o700 });
  await mkdir(ca, { mode: 0o700 });
  const config = await writeSettings(folder, ca, localca);
  const args = ['--tpm2', '--tpmstate', tpm, '--config', config, '--create-ek-cert', '--create-platform-cert', '--lock-nvram', '--pcr-banks', 'sha256,sha384'];
  // Started by root it would change to the user tss, who may not enter this folder.
  const asRoot = process.getuid?.() === 0 ? ['--runas', userInfo().username] : [];
  await runTool(setup, [...args, ...asRoot], env, timeoutMs);
  const whole = await Promise.all([join(tpm, STATE), join(ca, ISSUER), join(ca, ROOT)].map(exists));
  if (whole.includes(false)) throw new CollectorError('swtpm-unavailable', 'swtpm_setup left no TPM state behind');
  await keepAlone(ca, [ISSUER, ROOT]); // above all, not the authority's private keys
  await keepAlone(folder, ['tpm', 'ca']);
}

async function keepAlone(folder: string, kept: readonly string[]): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((candidate) => !kept.includes(candidate))) await rm(join(folder, name), { recursive: true });
}

/** The three files that would otherwise come from /etc. */
async function writeSettings(folder: string, ca: string, localca: string): Promise<string> {
  const [config, authority, options] = [join(folder, 'swtpm_setup.conf'), join(folder, 'swtpm-localca.conf'), join(folder, 'swtpm-localca.options')];
  const lines = (entries: readonly string[]): string => `${entries.join('\n')}\n`;
  await writeFile(config, lines([`create_certs_tool = ${localca}`, `create_certs_tool_config = ${authority}`, `create_certs_tool_options = ${options}`]));
  await writeFile(authority, lines([`statedir = ${ca}`, `signingkey = ${ca}/signkey.pem`, `issuercert = ${ca}/${ISSUER}`, `certserial = ${ca}/certserial`]));
  await writeFile(options, lines(['--platform-manufacturer Strongroom', '--platform-version 1', '--platform-model development']));
  return config;
}

/** @returns false when another program was first: its TPM is the one. */
async function moveIntoPlace(making: string, stateFolder: string): Promise<boolean> {
  for (const path of [join('tpm', STATE), 'tpm', join('ca', ISSUER), join('ca', ROOT), 'ca']) await syncToDisk(join(making, path));
  await syncToDisk(making);
  try {
    await rename(making, stateFolder);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
  await syncToDisk(dirname(stateFolder));
  return true;
}

async function readState(stateFolder: string): Promise<SwtpmState | undefined> {
  if (!(await exists(stateFolder))) return undefined;
  if ((await readdir(stateFolder)).length === 0) return undefined; // made for us beforehand; the rename replaces it
  try {
    await access(join(stateFolder, 'tpm', STATE));
    const [issuer, root] = [await readCertificate(stateFolder, ISSUER), await readCertificate(stateFolder, ROOT)];
    return { stateFolder, created: false, issuer, root };
  } catch (cause) {
    throw new CollectorError('swtpm-state-incomplete', `${stateFolder} is not a whole TPM state; remove it to begin anew with a new identity`, { cause });
  }
}

async function readCertificate(stateFolder: string, name: string): Promise<Uint8Array> {
  return new Uint8Array(new X509Certificate(await readFile(join(stateFolder, 'ca', name))).raw);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
