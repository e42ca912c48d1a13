// Writes docs/openapi.json and docs/routes.md from the application itself, or with --check fails where they have drifted.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const server = join(root, 'control-plane/server/test/support');
const folder = mkdtempSync(join(tmpdir(), 'strongroom-openapi-'));

try {
  // The sources as they are, so that no build is needed; on a database of its own, since only a whole application describes itself.
  const program = ['--no-warnings', '--conditions=strongroom-source', '--import', join(server, 'typescript.mjs'), join(server, 'describe-api.ts'), folder];
  const { status } = spawnSync(process.execPath, program, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the application could not be described');
  process.exitCode = process.argv.includes('--check') ? check() : write();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function write() {
  for (const name of ['openapi.json', 'routes.md']) writeFileSync(join(root, 'docs', name), readFileSync(join(folder, name)));
  console.log('wrote docs/openapi.json and docs/routes.md');
  return 0;
}

function check() {
  const drifted = ['openapi.json', 'routes.md'].filter((name) => {
    const kept = join(root, 'docs', name);
    return !existsSync(kept) || !readFileSync(kept).equals(readFileSync(join(folder, name)));
  });
  for (const name of drifted) console.error(`docs/${name} has drifted from the application: run node tools/openapi.mjs and read the difference`);
  return drifted.length === 0 ? 0 : 1;
}
