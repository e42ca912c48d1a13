import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDevelopmentKeyStore, openDevelopmentKeyStore } from './development-key-store.js';
import { describeKeyService } from './testing/key-service.contract.js';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'strongroom-keys-')), 'store');
});
afterEach(async () => {
  await rm(join(folder, '..'), { recursive: true, force: true });
});

describeKeyService('the development key store', async () => {
  await createDevelopmentKeyStore({ folder, enclaves: ['alpha', 'beta'] });
  return { service: await openDevelopmentKeyStore({ folder, profile: 'development' }), enclaves: ['alpha', 'beta'] };
});

describe('the development key store', () => {
  it('gives the same public keys when made and when opened', async () => {
    const made = await createDevelopmentKeyStore({ folder, enclaves: ['alpha', 'beta'] });
    const store = await openDevelopmentKeyStore({ folder, profile: 'development' });
    expect([...(await store.publicKeys())].sort((a, b) => (a.enclave < b.enclave ? -1 : 1))).toEqual(made);
  });

  it('keeps its files from everybody else', async () => {
    await createDevelopmentKeyStore({ folder, enclaves: ['alpha'] });
    const [file = ''] = await readdir(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  });

  it('does not open outside the development profile', async () => {
    await createDevelopmentKeyStore({ folder, enclaves: ['alpha'] });
    await expect(openDevelopmentKeyStore({ folder, profile: 'production' })).rejects.toMatchObject({ code: 'key-store-profile' });
  });

  it('never replaces a key', async () => {
    await createDevelopmentKeyStore({ folder, enclaves: ['alpha'] });
    await expect(createDevelopmentKeyStore({ folder, enclaves: ['alpha'] })).rejects.toMatchObject({ code: 'key-store-exists' });
  });

  it.each(['../alpha', 'Alpha', '', 'a+b'])('does not make a key for an enclave named %j', async (enclave) => {
    await expect(createDevelopmentKeyStore({ folder, enclaves: [enclave] })).rejects.toMatchObject({ code: 'key-store-unusable' });
  });

  it('refuses a folder or file that others can reach', async () => {
    await createDevelopmentKeyStore({ folder, enclaves: ['alpha'] });
    await chmod(folder, 0o750);
    await expect(openDevelopmentKeyStore({ folder, profile: 'development' })).rejects.toMatchObject({ code: 'key-store-unusable' });
    await chmod(folder, 0o700);
    await chmod(join(folder, 'alpha+kek-1.x25519'), 0o640);
    await expect(openDevelopmentKeyStore({ folder, profile: 'development' })).rejects.toMatchObject({ code: 'key-store-unusable' });
  });

  it('refuses a link, a short file and an empty folder', async () => {
    await createDevelopmentKeyStore({ folder, enclaves: ['alpha'] });
    await symlink(join(folder, 'alpha+kek-1.x25519'), join(folder, 'beta+kek-1.x25519'));
    await expect(openDevelopmentKeyStore({ folder, profile: 'development' })).rejects.toMatchObject({ code: 'key-store-unusable' });
    await rm(join(folder, 'beta+kek-1.x25519'));
    await writeFile(join(folder, 'gamma+kek-1.x25519'), new Uint8Array(31), { mode: 0o600 });
    await expect(openDevelopmentKeyStore({ folder, profile: 'development' })).rejects.toMatchObject({ code: 'key-store-unusable' });
    await rm(join(folder, 'gamma+kek-1.x25519'));
    await rm(join(folder, 'alpha+kek-1.x25519'));
    await expect(openDevelopmentKeyStore({ folder, profile: 'development' })).rejects.toMatchObject({ code: 'key-store-unusable' });
  });
});
