import { createCipheriv, createHash, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, verify } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SoftwareEvidence, SoftwareStatement } from '@strongroom/attestation-model';
import { collectorKeepsItsPromises } from '../testing/collector-suite.js';
import { openSoftwareCollector } from './software-collector.js';
import { loadSoftwareKey } from './software-key.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');

function verified(evidence: SoftwareEvidence): { binding: Uint8Array; sha256: Readonly<Record<string, string>>; text: string } {
  const statement = bytes(evidence.statement);
  const key = createPublicKey({ key: bytes(evidence.public_key), format: 'der', type: 'spki' });
  if (!verify('sha256', statement, { key, dsaEncoding: 'ieee-p1363' }, bytes(evidence.signature))) throw new Error('the signature does not verify');
  const text = statement.toString('utf8');
  const { binding, pcrs } = JSON.parse(text) as SoftwareStatement;
  return { binding: new Uint8Array(bytes(binding)), sha256: pcrs[0]?.values ?? {}, text };
}

/** The verifier's side of the documented construction, written out on its own. */
function seal(publicKeyInfo: Uint8Array, akName: string, secret: Uint8Array): { credentialBlob: Uint8Array; encryptedSecret: Uint8Array } {
  const ephemeral = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = new Uint8Array(ephemeral.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65));
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' }) });
  const derived = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([point, publicKeyInfo]), 'strongroom/software-credential/v1', 44));
  const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32)).setAAD(Buffer.from(akName, 'hex'));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return { credentialBlob: new Uint8Array(Buffer.concat([sealed, cipher.getAuthTag()])), encryptedSecret: point };
}

describe('the software collector', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-software-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const open = () => openSoftwareCollector({ stateFolder: join(folder, 'state') });

  collectorKeepsItsPromises({
    open,
    verified: (evidence) => verified(evidence as SoftwareEvidence),
    seal: (identity, secret) => seal(bytes(identity.akPublic), identity.akName, secret),
  });

  it('states its name by its key, claims no hardware, and writes RFC 8785', async () => {
    const collector = await open();
    const identity = await collector.identity();
    expect(identity).not.toHaveProperty('ek');
    expect(identity.akName).toBe(`000b${createHash('sha256').update(bytes(identity.akPublic)).digest('hex')}`);
    const { text } = verified((await collector.collect(new Uint8Array(32))) as SoftwareEvidence);
    const zeros = '0'.repeat(64);
    const values = ['0', '1', '15', '2', '3', '4', '5', '6', '7'].map((index) => `"${index}":"${zeros}"`).join(',');
    expect(text).toBe(`{"binding":"${'A'.repeat(43)}","pcrs":[{"bank":"sha256","values":{${values}}}],"type":"strongroom/software-evidence/v1"}`);
  });

  it('refuses a credential sealed under another name', async () => {
    const collector = await open();
    const { akPublic } = await collector.identity();
    const challenge = seal(bytes(akPublic), `000b${'00'.repeat(32)}`, new Uint8Array(32));
    await expect(collector.activate(challenge)).rejects.toMatchObject({ code: 'credential-refused' });
  });

  it('has the SHA-256 bank alone, and no empty selection', async () => {
    await expect(openSoftwareCollector({ stateFolder: folder, selection: [{ bank: 'sha384', indices: [0] }] })).rejects.toMatchObject({ code: 'pcr-unavailable' });
    await expect(openSoftwareCollector({ stateFolder: folder, selection: [] })).rejects.toMatchObject({ code: 'pcr-selection-invalid' });
  });

  it('keeps its key in one file of mode 0600, the same for programs that start at once', async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(() => loadSoftwareKey(folder)));
    expect(new Set(keys.map(({ name }) => name)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['software-attestation-key.der']);
    expect((await stat(join(folder, 'software-attestation-key.der'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['rubbish', Buffer.from('rubbish')],
    ['a key of another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'der' })],
    ['a key of another kind', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })],
  ])('refuses a key file that holds %s, and leaves it', async (_name, contents) => {
    const path = join(folder, 'software-attestation-key.der');
    await writeFile(path, contents, { mode: 0o600 });
    await expect(loadSoftwareKey(folder)).rejects.toMatchObject({ code: 'software-key-malformed' });
    expect((await stat(path)).size).toBe(contents.length);
  });

  it('refuses a key that others can read', async () => {
    await loadSoftwareKey(folder);
    await chmod(join(folder, 'software-attestation-key.der'), 0o640);
    await expect(loadSoftwareKey(folder)).rejects.toMatchObject({ code: 'software-key-malformed' });
  });
});
