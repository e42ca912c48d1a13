// What tests need from the system beside Node, in one place, and how it gets there on Debian and Ubuntu.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './setup.mjs';

export const needs = [
  { command: 'swtpm', debian: 'swtpm', for: 'quotes and enrolment with a software TPM (attestation/tpm2, agent/collectors, tests/e2e)' },
  { command: 'swtpm_setup', debian: 'swtpm-tools', for: 'endorsement certificates of the software TPM (attestation/tpm2, agent/collectors)' },
];

/** Not installed by us: its Debian package is too old for the programs we check against. */
const go = { command: 'go', for: "reading our log with the transparency-log community's own Go programs (tests/conformance)" };

/** Installs what is missing when we may, else says in a line what to install. Tests say themselves what they skip. */
export async function ensureSystemPackages({ say }) {
  const missing = () => needs.filter(({ command }) => !installed(command));
  if (missing().length > 0 && process.getuid?.() === 0 && installed('apt-get')) await aptInstall(missing(), say);
  for (const { command, debian, for: purpose } of missing()) {
    say(`strongroom: ${command} is missing, so tests skip ${purpose}: install it with "apt-get install ${debian}" as root`);
  }
  if (!installed(go.command)) say(`strongroom: go is missing, so tests skip ${go.for}`);
}

async function aptInstall(packages, say) {
  const names = [...new Set(packages.map(({ debian }) => debian))];
  say(`strongroom: installing ${names.join(', ')} ...`);
  const apt = (...args) => run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, redact: true });
  const install = () => apt('install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...names);
  const listed = hasPackageLists();
  if (!listed) await apt('update', '-qq');
  // Old lists name versions that are no longer there.
  if ((await install()) !== 0 && listed && (await apt('update', '-qq')) === 0) await install();
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => /_(Packages|InRelease)(\.\w+)?$/.test(name));
}

export function installed(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, command)));
}
