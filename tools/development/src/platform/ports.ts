import { createServer } from 'node:net';
import { DevelopmentError } from '../errors.js';

export interface Ports {
  readonly people: number;
  readonly agents: number;
}

const DEFAULT_PORT = 7080;
const AGENTS_DEFAULT = 7443;

/** `STRONGROOM_PORT` moves people to it and agents to the next one. @throws DevelopmentError `usage` */
export function portsOf(environment: Readonly<Record<string, string | undefined>>): Ports {
  const moved = environment['STRONGROOM_PORT'];
  if (moved === undefined || moved === '') return { people: DEFAULT_PORT, agents: AGENTS_DEFAULT };
  const people = /^\d{1,5}$/.test(moved) ? Number(moved) : 0;
  if (people < 1 || people > 65_534) throw new DevelopmentError('usage', `STRONGROOM_PORT is a port from 1 to 65534, not "${moved}"`);
  return { people, agents: people + 1 };
}

/**
 * Checks that nobody listens there yet, so that the word is clear and comes before anything is started; 0 becomes a free port.
 * @throws DevelopmentError `port-taken`
 */
export async function claimPorts(wanted: Ports): Promise<Ports> {
  const people = await probe(wanted.people, 'people');
  return { people, agents: await probe(wanted.agents, 'agents') };
}

function probe(port: number, whose: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause) => {
      const code = (cause as NodeJS.ErrnoException).code;
      const why = code === 'EADDRINUSE' ? 'is taken by another program; end it' : `cannot be used (${code ?? 'unknown'})`;
      reject(new DevelopmentError('port-taken', `port ${port} (${whose}) ${why}, or set STRONGROOM_PORT to move both ports`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : port); });
    });
  });
}
