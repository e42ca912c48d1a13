import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemBootClock } from './boot-clock.js';
import { refuseDebugger } from './hardening.js';
import { parseOrder } from './watchdog-order.js';

/** Grace after the deadline, in seconds, for the agent to wipe by itself. */
const GRACE_SECONDS = 1;

const [pidText = '', runtimeFolder = '', cgroup = ''] = process.argv.slice(2);
const agentPid = Number(pidText);
if (!Number.isSafeInteger(agentPid) || agentPid < 2 || runtimeFolder === '') process.exit(2);

// A debugger in here could put the deadline off for ever.
refuseDebugger(() => undefined);
let deadline = Number.POSITIVE_INFINITY;
let buffered = '';
let dismissed = false;

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (buffered + chunk).split('\n');
  buffered = lines.pop() ?? '';
  for (const line of lines) {
    const order = parseOrder(line);
    if (order === 'stop') dismissed = true;
    else deadline = order === 'rest' ? Number.POSITIVE_INFINITY : order;
  }
});
// The agent is gone without dismissing us: nobody is left to wipe.
process.stdin.on('end', () => {
  if (!dismissed) fire();
  process.exit(0);
});

setInterval(() => {
  if (systemBootClock.seconds() > deadline + GRACE_SECONDS) {
    fire();
    process.exit(0);
  }
}, 200);

/** Workload first, then whoever holds keys, then the folder: nothing may read while it is taken away. */
function fire(): void {
  attempt(() => { if (cgroup !== '') writeFileSync(join(cgroup, 'cgroup.kill'), '1'); });
  attempt(() => process.kill(agentPid, 'SIGKILL'));
  attempt(() => { rmSync(runtimeFolder, { recursive: true, force: true }); });
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    process.stderr.write(`strongroom-watchdog: ${error instanceof Error ? error.message : 'a step failed'}\n`);
  }
}
