import { createServer, type Server } from 'node:net';
import type { Ports } from '@strongroom/tools-development';

const TRIES = 50;

/** Two free ports, one after the other (as `STRONGROOM_PORT` needs them), taken by nobody at this moment. */
export async function freePorts(): Promise<Ports> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const first = await listen(0);
    const people = portOf(first);
    const second = people < 65_535 ? await listen(people + 1).catch(() => undefined) : undefined;
    await Promise.all([first, second].map((server) => close(server)));
    if (second !== undefined) return { people, agents: people + 1 };
  }
  throw new Error('no two neighbouring ports are free');
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => { resolve(server); });
  });
}

function close(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server === undefined) resolve();
    else server.close(() => { resolve(); });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has a port');
  return address.port;
}
