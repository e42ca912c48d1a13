import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generateModel, sealWeights } from '@strongroom/agent-sealing';
import { canonicalJson, toBase64url } from '@strongroom/attestation-encoding';
import { toInstant, verifyStatement, MANIFEST, type Manifest } from '@strongroom/control-plane-contract';
import { uuidv7 } from 'uuidv7';
import { found } from '../genesis/found.js';
import { ENCLAVE, makePlatformKeys } from '../genesis/platform-keys.js';
import { openHome } from '../home/home.js';
import { scratch } from '../testing/scratch.js';
import { Custodian } from './custodian.js';
import { openPersons } from './person.js';
import { trustOf } from './trust.js';

const SEAL_ID = toBase64url(new Uint8Array(16).fill(9));

describe('a custodian', () => {
  const folder = scratch();

  async function sealed(change: (manifest: Manifest) => unknown = (manifest) => manifest) {
    const home = openHome(folder());
    const now = new Date();
    const founding = found(await makePlatformKeys(home, { now, approvalOrigins: ['http://approve.localhost:7080'] }), openPersons(home.people), now);
    const [source, target] = [join(home.weights, 'm'), join(home.sealed, 'a')];
    await generateModel({ folder: source, shards: 1, totalBytes: 600 * 1024, seed: 'custodian' });
    const asset = uuidv7();
    const result = await sealWeights({ source, folder: target, tenant: 'main', asset, sealId: SEAL_ID, keyEpoch: 1, concurrency: 1 });
    const manifest: Manifest = {
      type: 'strongroom/manifest/v1', tenant: 'main', version: 1, issued_at: toInstant(now), expires_at: toInstant(new Date(now.getTime() + 86_400_000)),
      asset: { id: asset, name: 'A model', class: 'weights', owner: 'research' }, seal_id: SEAL_ID, key_epoch: 1, container: 'AES256-GCM-HKDF-1MB',
      key_service: { enclave: ENCLAVE, kek: 'kek-1' }, shards: [...result.shards], tensors: result.tensorMap, lineage: [], enclaves: [ENCLAVE], environments: ['swtpm-node'],
      quorum: { read_shard: { owner: 1, security: 1 } }, lease: { max_seconds: 60 },
    };
    writeFileSync(join(target, 'manifest.json'), JSON.stringify(change(manifest)));
    writeFileSync(join(target, 'tensors.json'), canonicalJson(result.tensors));
    const person = openPersons(home.people)['manifest-owner'];
    return { target, person, custodian: new Custodian(person, trustOf(founding, now)), shard: join(target, `${manifest.shards[0]!.path}.sealed`) };
  }

  it('signs what lies there as it was sealed', async () => {
    const { target, person, custodian } = await sealed();
    const envelope = await custodian.sign(target);
    expect(verifyStatement(MANIFEST, envelope, [person.signerKey('manifest')], 1).value.asset.name).toBe('A model');
  });

  it('refuses a sealed file with a bit changed, and one that grew', async () => {
    const { target, custodian, shard } = await sealed();
    const bytes = readFileSync(shard);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(shard, bytes);
    await expect(custodian.sign(target)).rejects.toMatchObject({ code: 'statement-doubtful', message: expect.stringContaining('not the file that was sealed') });
    appendFileSync(shard, 'x');
    await expect(custodian.sign(target)).rejects.toMatchObject({ message: expect.stringContaining('another size') });
  });

  it.each<[string, (manifest: Manifest) => unknown, string]>([
    ['another tenant', (manifest) => ({ ...manifest, tenant: 'other' }), 'another tenant'],
    ['an unknown key service', (manifest) => ({ ...manifest, key_service: { enclave: ENCLAVE, kek: 'kek-9' } }), 'key service'],
    ['an owner alone', (manifest) => ({ ...manifest, quorum: { read_shard: { owner: 2 } } }), 'security'],
    ['another tensor map', (manifest) => ({ ...manifest, tensors: { ...manifest.tensors, digest: `sha256:${'0'.repeat(64)}` } }), 'tensor map'],
    ['no shape of a manifest', () => ({ type: 'strongroom/manifest/v1' }), 'is not a manifest'],
  ])('refuses a draft with %s', async (_, change, said) => {
    const { target, custodian } = await sealed(change);
    await expect(custodian.sign(target)).rejects.toMatchObject({ code: 'statement-doubtful', message: expect.stringContaining(said) });
  });
});
