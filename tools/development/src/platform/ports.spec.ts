import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { claimPorts, portsOf } from './ports.js';

describe('ports', () => {
  it('are 7080 and 7443, or the one given and the next', () => {
    expect(portsOf({})).toEqual({ people: 7080, agents: 7443 });
    expect(portsOf({ STRONGROOM_PORT: '9000' })).toEqual({ people: 9000, agents: 9001 });
  });

  it.each(['0', '65535', '-1', '80a', '1e3', ' '])('refuse STRONGROOM_PORT=%j', (value) => {
    expect(() => portsOf({ STRONGROOM_PORT: value })).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('that are taken are told by number, with what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(claimPorts({ people: 0, agents: port })).rejects.toMatchObject({ code: 'port-taken', message: expect.stringMatching(new RegExp(`port ${port} .*STRONGROOM_PORT`)) });
    await new Promise((resolve) => other.close(resolve));
    await expect(claimPorts({ people: 0, agents: port })).resolves.toMatchObject({ agents: port, people: expect.any(Number) });
  });
});
