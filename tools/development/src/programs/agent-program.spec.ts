import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { scratch } from '../testing/scratch.js';
import { parseAgentLine } from './agent-events.js';
import { AgentProgram, eventOf } from './agent-program.js';
import { Guardian } from './guardian.js';

describe('an agent', () => {
  const folder = scratch();
  const running: { agent: AgentProgram; guardian: Guardian }[] = [];
  afterEach(async () => {
    for (const { agent, guardian } of running.splice(0)) {
      await agent.daemon.stop();
      guardian.dismiss();
    }
  });

  function agentThat(source: string) {
    const at = folder();
    writeFileSync(join(at, 'agent.mjs'), `const say = (event) => console.log(JSON.stringify(event)); const args = process.argv.slice(2); ${source}`);
    const guardian = new Guardian();
    const agent = new AgentProgram({ name: 'node-1', script: join(at, 'agent.mjs'), configFile: '/config.json', logFile: join(at, 'agent.log'), guardian });
    running.push({ agent, guardian });
    return agent;
  }

  it('is heard line by line; lines that are no events pass by', () => {
    expect(parseAgentLine('{"event":"sealing","done":1,"total":2}')).toEqual({ event: 'sealing', done: 1, total: 2 });
    expect(['', 'null', '[]', '{"event":7}', 'enrolled {}'].map(parseAgentLine)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it('does a job and gives its events', async () => {
    const agent = agentThat(`say({ event: 'sealing', done: 1, total: 2 }); say({ event: 'sealed', asset: 'a', manifest: args.join(' '), shards: 2, bytes: 3 });`);
    const progress: unknown[] = [];
    const events = await agent.job('seal', ['--source', 'x'], ({ event, ...rest }) => { progress.push([event, rest]); });
    expect(eventOf(events, 'sealed').manifest).toBe('seal --config /config.json --json --source x');
    expect(progress[0]).toEqual(['sealing', { done: 1, total: 2 }]);
    expect(() => eventOf(events, 'enrolled')).toThrow(expect.objectContaining({ code: 'agent-failed' }));
  });

  it('that fails tells its own code', async () => {
    const agent = agentThat(`console.error(JSON.stringify({ error: 'trust-mismatch', message: 'the anchors are not pinned' })); process.exit(1);`);
    await expect(agent.job('identity')).rejects.toMatchObject({ code: 'agent-failed', reason: 'trust-mismatch', message: expect.stringContaining('the anchors are not pinned') });
  });

  it('is waited for until it tells what is awaited, told already or yet to come', async () => {
    const agent = agentThat(`say({ event: 'wiped', release: 'r1', why: 'lapsed', acknowledged: true }); setTimeout(() => say({ event: 'wiped', release: 'r2', why: 'revoked', acknowledged: true }), 50); setInterval(() => {}, 1000);`);
    await agent.start();
    await expect(agent.event('wiped', { where: ({ release }) => release === 'r2' })).resolves.toMatchObject({ why: 'revoked' });
    await expect(agent.event('wiped', { where: ({ release }) => release === 'r1' })).resolves.toMatchObject({ why: 'lapsed' });
    await expect(agent.event('enrolled', { timeoutMs: 30 })).rejects.toMatchObject({ code: 'agent-failed', reason: 'timeout' });
  });

  it('that refuses the request ends the wait with its reason', async () => {
    const agent = agentThat(`say({ event: 'refused', code: 'release-refused', reason: 'log-proof', message: 'no proof', request: 'q' }); setInterval(() => {}, 1000);`);
    await agent.start();
    await expect(agent.event('released', { request: 'q' })).rejects.toMatchObject({ code: 'agent-failed', reason: 'log-proof' });
    await expect(agent.event('released', { request: 'other', timeoutMs: 30 })).rejects.toMatchObject({ reason: 'timeout' });
    await expect(agent.event('refused')).resolves.toMatchObject({ reason: 'log-proof' });
  });

  it('that ends ends the wait', async () => {
    const agent = agentThat(`setTimeout(() => process.exit(4), 30);`);
    await agent.start();
    await expect(agent.event('enrolled')).rejects.toMatchObject({ code: 'program-ended', message: expect.stringContaining('code 4') });
  });
});
