import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from './config.js';

const digest = `sha256:${'ab'.repeat(32)}`;
const whole = {
  profile: 'development',
  state_folder: 'state',
  database: { host: '/run/postgresql', port: 5432, user: 'strongroom_releaser', database: 'strongroom', password_file: 'password' },
  anchors: { file: 'anchors.json', digest },
  genesis: { file: 'genesis.json', digest },
  policy: { revision: 1 },
  key_service: { adapter: 'development' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function load(value: unknown) {
  const file = join(folder, 'releaser.json');
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
  return loadConfig(file);
}

describe('the configuration', () => {
  it('finds paths from its own folder, and gives what it leaves out the strict default', async () => {
    expect(await load(whole)).toMatchObject({
      stateFolder: join(folder, 'state'),
      socket: join(folder, 'state', 'releaser.sock'),
      signingKeyFile: join(folder, 'state', 'signing-key.pem'),
      keyService: { adapter: 'development', folder: join(folder, 'state', 'keys') },
      maxDecisionAgeSeconds: 60,
      hardening: 'warn',
      crashPoints: true,
    });
  });

  it.each(Object.keys(whole))('is refused without %s', async (member) => {
    await expect(load({ ...whole, [member]: undefined })).rejects.toMatchObject({ code: 'config-invalid', faults: [expect.objectContaining({ at: member })] });
  });

  it('names every fault at once', async () => {
    const bad = { ...whole, profile: 'test', anchors: { file: 'a', digest: 'sha256:00' }, policy: { revision: 0 }, unknown: 1 };
    const faults = await load(bad).then(
      () => [],
      (error: { faults: { at: string }[] }) => error.faults.map(({ at }) => at),
    );
    expect(faults.sort()).toEqual(['', 'anchors.digest', 'policy.revision', 'profile']);
  });

  it('refuses a socket path longer than the system takes', async () => {
    await expect(load({ ...whole, socket: `/${'s'.repeat(107)}` })).rejects.toMatchObject({ faults: [{ at: 'socket', message: expect.stringContaining('107') as unknown }] });
    await expect(load({ ...whole, socket: `/${'s'.repeat(106)}` })).resolves.toBeDefined();
  });

  it('takes neither the development key store nor crash points nor software evidence into production', async () => {
    await expect(load({ ...whole, profile: 'production' })).rejects.toMatchObject({ faults: [{ at: 'key_service.adapter' }] });
  });

  it.each([['nothing', ''], ['no JSON', '{'], ['a list', '[]'], ['null', 'null']])('is refused when it is %s', async (_, text) => {
    await expect(load(text)).rejects.toMatchObject({ code: 'config-invalid' });
  });

  it('is refused when there is none', async () => {
    await expect(loadConfig(join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
