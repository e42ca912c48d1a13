import { createPublicKey, createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sealTo, transportKeyDigest, verifyGenesis, verifyPinnedAnchors } from '@strongroom/control-plane-contract';
import { openHome, type Home } from '../home/home.js';
import { openPersons } from '../people/person.js';
import { PEOPLE, PERSON_NAMES } from '../people/person-names.js';
import { readFounding, writeFounding } from '../platform/pinned.js';
import { scratch } from '../testing/scratch.js';
import { found } from './found.js';
import { ENCLAVE, makePlatformKeys, platformKeyFiles } from './platform-keys.js';

const NOW = new Date('2031-05-06T07:08:09Z');
const approvalOrigins = ['http://approve.localhost:7080'];

async function genesis(home: Home) {
  return found(await makePlatformKeys(home, { now: NOW, approvalOrigins }), openPersons(home.people), NOW);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('genesis', () => {
  const folder = scratch();

  it('gives anchors and a genesis statement that every program accepts by their digests', async () => {
    const founding = await genesis(openHome(folder()));
    const anchors = verifyPinnedAnchors(founding.anchors, founding.anchorsDigest, NOW);
    const statement = verifyGenesis(founding.genesis, founding.genesisDigest, anchors);
    expect(statement.value).toMatchObject({ tenant: 'main', profile: 'development', log_origin: 'audit.strongroom.localhost/dev/2031', anchors_digest: anchors.digest });
    expect(anchors.value).toMatchObject({ version: 1, profile: 'development', approval: { rp_id: 'approve.localhost', origins: approvalOrigins }, witnesses: { quorum: 0 } });
    expect(anchors.keyIds).toHaveLength(2);
    expect(anchors.value.log.vkey.startsWith('audit.strongroom.localhost/dev/2031+')).toBe(true);
  });

  it('gives each key one use and one holder', async () => {
    const home = openHome(folder());
    const { value } = verifyPinnedAnchors((await genesis(home)).anchors, (await genesis(home)).anchorsDigest, NOW);
    const anchored = [...value.roots.keys, ...value.policy_signers.keys, ...value.registrars.keys, ...value.manifest_signers.owner, ...value.manifest_signers.security, value.releaser].map(({ keyid }) => keyid);
    const signIn = Object.values(openPersons(home.people)).map((person) => person.signerKey('sign-in').keyid);
    expect(new Set([...anchored, ...signIn]).size).toBe(anchored.length + signIn.length);
    expect([value.roots.threshold, value.policy_signers.threshold, value.registrars.threshold]).toEqual([2, 2, 2]);
  });

  it('keeps every key in a file that its owner alone can read', async () => {
    const home = openHome(folder());
    await genesis(home);
    const files = [home.people, home.authority, home.server, home.releaser].flatMap(filesUnder);
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((file) => (statSync(file).mode & 0o777) !== 0o600)).toEqual([]);
    for (const name of PERSON_NAMES) expect(statSync(join(home.people, name)).mode & 0o777).toBe(0o700);
  });

  it('makes nothing anew when it is gone on with after an interruption', async () => {
    const home = openHome(folder());
    const first = await genesis(home);
    rmSync(join(home.people, 'auditor'), { recursive: true });
    const second = await genesis(home);
    expect(second.anchorsDigest).toBe(first.anchorsDigest);
    expect(second.genesisDigest).toBe(first.genesisDigest);
  });

  it('is on disk whole or not at all, and refuses a damaged one', async () => {
    const home = openHome(folder());
    expect(readFounding(home)).toBeUndefined();
    const founding = await genesis(home);
    writeFounding(home, founding);
    expect(readFounding(home)).toEqual(founding);
    const damaged = { ...founding, genesisDigest: 'sha256:00' };
    expect(() => writeFounding(home, damaged)).toThrow();
  });
});

describe('the platform’s keys', () => {
  const folder = scratch();

  it('are a CA whose key is its own, a P-256 key for results, and Ed25519 keys for log and releaser', async () => {
    const home = openHome(folder());
    await makePlatformKeys(home, { now: NOW, approvalOrigins });
    const files = platformKeyFiles(home);
    const certificate = new X509Certificate(readFileSync(files.authority.certificateFile));
    expect(certificate.ca).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(files.authority.keyFile)))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(createPrivateKey(readFileSync(files.earKeyFile)).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    for (const file of [files.logKeyFile, files.releaserKeyFile]) expect(createPublicKey(readFileSync(file)).asymmetricKeyType).toBe('ed25519');
  });

  it('hold a key-encryption key that can be wrapped to', async () => {
    const home = openHome(folder());
    const facts = await makePlatformKeys(home, { now: NOW, approvalOrigins });
    expect(facts.key_service).toHaveLength(1);
    const [kek] = facts.key_service;
    expect(kek).toMatchObject({ enclave: ENCLAVE, kek: 'kek-1' });
    expect(readdirSync(platformKeyFiles(home).keyStoreFolder)).toEqual([`${ENCLAVE}+kek-1.x25519`]);
    expect(readFileSync(join(platformKeyFiles(home).keyStoreFolder, `${ENCLAVE}+kek-1.x25519`))).toHaveLength(32);
    expect(transportKeyDigest(kek!.public_key)).toMatch(/^sha256:/);
    await expect(sealTo(kek!.public_key, new Uint8Array(32), {}, new Uint8Array(0))).resolves.toHaveProperty('enc');
  });
});

describe('people', () => {
  it('never combine what must be apart', () => {
    for (const [name, { roles, factors, keys }] of Object.entries(PEOPLE) as [string, { roles: readonly string[]; factors: readonly string[]; keys: readonly string[] }][]) {
      const apart = [roles.includes('requester'), factors.length > 0, roles.includes('auditor'), keys.includes('manifest'), keys.includes('policy'), keys.includes('registrar')];
      expect([name, apart.filter(Boolean).length]).toEqual([name, name === 'platform-engineer' ? 0 : 1]);
    }
  });
});
