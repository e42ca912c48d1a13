import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watchdog } from './watchdog.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A node's folders, a program in the watchdog's place, and the moment the agent was ended. */
function stage(program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'watchdog-'));
  folders.push(folder);
  const [runtimeFolder, workloadCgroup] = [join(folder, 'run'), join(folder, 'cgroup')];
  mkdirSync(runtimeFolder);
  mkdirSync(workloadCgroup);
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program);
  let ended = 0;
  let tell: () => void = () => undefined;
  const end = new Promise<void>((resolve) => { tell = resolve; });
  const watchdog = Watchdog.start({ runtimeFolder, workloadCgroup, program: file, endAgent: () => { ended += 1; tell(); } });
  const dismissed = async (): Promise<void> => {
    const gone = new Promise((resolve) => { (watchdog as unknown as { child: NodeJS.EventEmitter }).child.once('exit', resolve); });
    watchdog.stop();
    await gone;
  };
  return { watchdog, dismissed, end, ended: () => ended, runtimeFolder, killed: () => existsSync(join(workloadCgroup, 'cgroup.kill')) && readFileSync(join(workloadCgroup, 'cgroup.kill'), 'utf8') === '1' };
}

const UNTIL_STDIN_ENDS = `process.stdin.resume(); process.stdin.on('end', () => process.exit(0));`;

describe('Watchdog', () => {
  // As it refuses to watch process 1, and as any fault in it ends.
  it('takes workload, runtime folder and agent with it when it ends by itself', async () => {
    const node = stage('process.exit(2);');
    await node.end;
    expect([node.killed(), existsSync(node.runtimeFolder), node.ended()]).toEqual([true, false, 1]);
  });

  it('takes them with it when it is killed', async () => {
    const node = stage(`process.kill(process.pid, 'SIGKILL');`);
    await node.end;
    expect([node.killed(), existsSync(node.runtimeFolder), node.ended()]).toEqual([true, false, 1]);
  });

  it('leaves everything alone once dismissed', async () => {
    const node = stage(UNTIL_STDIN_ENDS);
    await node.dismissed();
    expect([node.killed(), existsSync(node.runtimeFolder), node.ended()]).toEqual([false, true, 0]);
  });

  it('ends the workload when asked, and says so when it cannot', async () => {
    const node = stage(UNTIL_STDIN_ENDS);
    expect([node.watchdog.endWorkload(), node.killed()]).toEqual([true, true]);
    rmSync(join(node.runtimeFolder, '..', 'cgroup'), { recursive: true });
    expect(node.watchdog.endWorkload()).toBe(false);
    await node.dismissed();
  });
});
