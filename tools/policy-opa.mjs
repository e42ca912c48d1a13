// Finds the pinned OPA compiler: $OPA, the PATH, the cache; failing those it is built with Go into .cache/. Null without either.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const OPA_VERSION = '1.19.0';
export const root = resolve(fileURLToPath(import.meta.url), '../..');

function isPinned(path) {
  if (!existsSync(path)) return false;
  const { stdout } = spawnSync(path, ['version'], { encoding: 'utf8' });
  return stdout?.split('\n')[0] === `Version: ${OPA_VERSION}`;
}

function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, name));
}

/** Path of an OPA of exactly the pinned version, or null. Another version gives other bytes, so it is never used. */
export function findOpa({ build = true } = {}) {
  const cached = join(root, '.cache', 'opa', OPA_VERSION, 'opa');
  const found = [process.env.OPA, ...onPath('opa'), cached].find((path) => path && isPinned(path));
  if (found || !build) return found ?? null;
  const go = [...onPath('go'), '/usr/local/go/bin/go'].find((path) => existsSync(path));
  if (!go) return null;
  const folder = join(root, '.cache', 'opa', OPA_VERSION);
  mkdirSync(folder, { recursive: true });
  console.error(`building OPA ${OPA_VERSION} with Go (once)`);
  const { status } = spawnSync(go, ['install', `github.com/open-policy-agent/opa@v${OPA_VERSION}`], {
    env: { ...process.env, CGO_ENABLED: '0', GOBIN: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0 && isPinned(cached) ? cached : null;
}

/** Runs OPA from the repository root: file paths are embedded in the output, so the folder is part of the result. */
export function runOpa(opa, args, options = {}) {
  return execFileSync(opa, args, { cwd: root, maxBuffer: 256 << 20, stdio: ['pipe', 'pipe', 'inherit'], ...options });
}
