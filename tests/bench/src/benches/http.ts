import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, openPersons, Session, startDevelopmentPlatform } from '@strongroom/tools-development';
import { httpApi } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { compare, type Bench } from '../bench.js';

const CALLS = 400;
const WARM_UP = 50;
// Calls stay below what the server lets one person make in a minute.
const PAUSE_FREE = CALLS + WARM_UP < 1200;

/** Median milliseconds of one call after another. */
async function median(call: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await call();
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const begun = performance.now();
    await call();
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[CALLS >> 1] ?? Number.NaN;
}

/** The same client against a bare node:http server that answers the same number of bytes: what the round trip itself costs. */
async function bareRoundTrip(bytes: number): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify('x'.repeat(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const api = new ApiClient((server.address() as AddressInfo).port, { people: 'localhost', approval: 'approve.localhost' });
    return await median(() => api.call({ method: 'GET', path: '/' }, z.string()));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export const httpBenches: readonly Bench[] = [
  {
    name: 'http.decision',
    async run(progress) {
      if (!PAUSE_FREE) throw new Error('too many calls for one minute');
      progress('starting a platform');
      const home = await mkdtemp(join(tmpdir(), 'strongroom-bench-http-'));
      const platform = await startDevelopmentPlatform({ home, ports: { people: 0, agents: 0 }, evidence: ['software'] });
      try {
        const api = new ApiClient(platform.ports.people, { people: 'localhost', approval: 'approve.localhost' });
        const session = new Session(openPersons(platform.home.people).auditor, api);
        const answer = await session.call({ method: 'GET', path: '/v1/sessions/current' }, httpApi.session);
        progress(`${CALLS} calls: session, policy decision, answer`);
        const decided = await median(() => session.call({ method: 'GET', path: '/v1/sessions/current' }, httpApi.session));
        const bare = await bareRoundTrip(JSON.stringify(answer).length);
        return compare(this.name, decided, 'ms', { name: 'the same round trip to a bare node:http server', value: bare, unit: 'ms' });
      } finally {
        await platform.stop();
        await rm(home, { recursive: true, force: true });
      }
    },
  },
];
