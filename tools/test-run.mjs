// The folder of one test run: its database lives there (started by the first suite that asks, see
// control-plane/postgres/src/testing.ts) and ends with the run. Runs that were killed are cleared by the next one.
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'strongroom-test-';
// Root's database runs as another account, which may not be able to enter root's own temporary folder.
const parent = process.getuid?.() === 0 ? '/tmp' : tmpdir();

export function beginTestRun() {
  for (const name of readdirSync(parent)) if (name.startsWith(prefix)) clearIfDead(join(parent, name));
  const run = mkdtempSync(join(parent, prefix));
  chmodSync(run, 0o711);
  writeFileSync(join(run, 'pid'), String(process.pid));
  return run;
}

export async function endTestRun(run) {
  const placed = readJson(join(run, 'home', 'postgres.json'))?.folder;
  if (placed !== undefined) {
    const folder = placed.startsWith('/') ? placed : join(run, 'home', placed);
    await endServer(join(folder, 'data'));
    // A run folder the database's account could not enter has its data elsewhere.
    if (placed.startsWith('/var/lib/strongroom/')) rmSync(placed, { recursive: true, force: true });
    const short = read(join(folder, 'socket-folder')).trim();
    if (/\/strongroom-pg-\w+$/.test(short)) rmSync(short, { recursive: true, force: true });
  }
  rmSync(run, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

async function endServer(dataFolder) {
  const pid = Number(read(join(dataFolder, 'postmaster.pid')).split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1 || !worksIn(pid, dataFolder)) return;
  for (const signal of ['SIGQUIT', 'SIGKILL']) {
    try {
      process.kill(pid, signal);
      for (let waited = 0; waited < 5000; waited += 20) {
        process.kill(pid, 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } catch {
      return; // It has ended.
    }
  }
}

/** The file that names the process can be old: without /proc it has to be trusted. */
function worksIn(pid, folder) {
  if (!existsSync('/proc/self/cwd')) return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return false;
  }
}

function clearIfDead(run) {
  const found = lstatSync(run);
  // Anybody can make a folder of this name here; only what we made is cleared.
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return;
  const pid = Number(read(join(run, 'pid')));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') void endTestRun(run).catch(() => undefined);
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readJson(path) {
  try {
    return JSON.parse(read(path));
  } catch {
    return undefined;
  }
}
