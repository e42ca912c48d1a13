import { createDecipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { sealSoftwareCredential } from './credential.js';
import { softwareKeyName } from './verify.js';

const node = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKeyInfo = new Uint8Array(node.publicKey.export({ type: 'spki', format: 'der' }));
const akName = softwareKeyName(publicKeyInfo);
const secret = new Uint8Array(32).fill(4);

/** Opens by the documented construction, written out on its own. */
function opened(sealed: { credentialBlob: Uint8Array; encryptedSecret: Uint8Array }, name = akName): Uint8Array {
  const prefix = publicKeyInfo.slice(0, -65); // the algorithm's part of any P-256 SubjectPublicKeyInfo
  const ephemeral = createPublicKey({ key: Buffer.concat([prefix, sealed.encryptedSecret]), format: 'der', type: 'spki' });
  const shared = diffieHellman({ privateKey: node.privateKey, publicKey: ephemeral });
  const derived = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([sealed.encryptedSecret, publicKeyInfo]), 'strongroom/software-credential/v1', 44));
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32));
  decipher.setAAD(Buffer.from(name, 'hex')).setAuthTag(sealed.credentialBlob.slice(-16));
  return new Uint8Array(Buffer.concat([decipher.update(sealed.credentialBlob.slice(0, -16)), decipher.final()]));
}

describe('sealSoftwareCredential', () => {
  it('is opened by the holder of the key, under the key’s name alone', () => {
    const sealed = sealSoftwareCredential(publicKeyInfo, akName, secret);
    expect(opened(sealed)).toEqual(secret);
    expect(() => opened(sealed, `000b${'00'.repeat(32)}`)).toThrow();
  });

  it('never gives the same credential twice', () => {
    const [one, two] = [sealSoftwareCredential(publicKeyInfo, akName, secret), sealSoftwareCredential(publicKeyInfo, akName, secret)];
    expect(one.encryptedSecret).not.toEqual(two.encryptedSecret);
    expect(one.credentialBlob).not.toEqual(two.credentialBlob);
  });

  const p384 = new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'der' }));
  const trailing = new Uint8Array([...publicKeyInfo, 0]);
  it.each([
    ['another curve', p384, softwareKeyName(p384), secret, 'software-key-unsupported'],
    ['no key', new Uint8Array(0), akName, secret, 'software-key-unsupported'],
    ['bytes after the key', trailing, softwareKeyName(trailing), secret, 'software-key-unsupported'],
    ['the name of another key', publicKeyInfo, `000b${'ab'.repeat(32)}`, secret, 'software-key-name-mismatch'],
    ['no name', publicKeyInfo, '', secret, 'software-key-name-mismatch'],
    ['a short secret', publicKeyInfo, akName, new Uint8Array(15), 'software-expectation-malformed'],
    ['a long secret', publicKeyInfo, akName, new Uint8Array(65), 'software-expectation-malformed'],
    ['a secret of text', publicKeyInfo, akName, 'x'.repeat(32) as unknown as Uint8Array, 'software-expectation-malformed'],
  ])('refuses %s', (_name, key, name, value, code) => {
    expect(() => sealSoftwareCredential(key, name, value)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses an ephemeral key of another curve', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(() => sealSoftwareCredential(publicKeyInfo, akName, secret, privateKey)).toThrow(expect.objectContaining({ code: 'software-key-unsupported' }));
  });
});
