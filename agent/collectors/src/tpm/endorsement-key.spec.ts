import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { certifiedKey, splitCertificates } from './endorsement-key.js';
import { ENDORSEMENT_KEY_PROFILES } from './key-templates.js';
import { parsePublicArea } from './public-area.js';

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
};
const empty = der(0x30);

/** The outline of a certificate around a key: what is read of it, and no more. */
const certificateOf = (spki: Uint8Array, versioned = true): Buffer =>
  der(0x30, der(0x30, ...(versioned ? [der(0xa0, der(0x02, Buffer.of(2)))] : []), der(0x02, Buffer.of(1)), empty, empty, empty, empty, spki), empty, der(0x03, Buffer.of(0)));

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const spkiOf = (key: typeof rsa): Buffer => key.export({ type: 'spki', format: 'der' });

describe('certifiedKey', () => {
  it.each([[true], [false]])('finds the key (version stated: %s)', (versioned) => {
    expect(spkiOf(certifiedKey(certificateOf(spkiOf(rsa), versioned)))).toEqual(spkiOf(rsa));
  });

  it('reads an RSA key labelled for OAEP, as some makers do, as the same key', () => {
    const oaep = Buffer.from('06092a864886f70d010107', 'hex');
    const labelled = der(0x30, der(0x30, oaep, empty), der(0x03, Buffer.of(0), rsa.export({ type: 'pkcs1', format: 'der' })));
    expect(spkiOf(certifiedKey(certificateOf(labelled)))).toEqual(spkiOf(rsa));
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['an empty sequence', empty],
    ['a certificate cut short', certificateOf(spkiOf(rsa)).subarray(0, -1)],
    ['an endless length', Buffer.from('3080', 'hex')],
    ['a length of 4 GiB', Buffer.from('3084ffffffff', 'hex')],
    ['a key that is none', certificateOf(der(0x30, empty, der(0x03, Buffer.of(0))))],
  ])('refuses %s', (_name, bytes) => {
    expect(() => certifiedKey(bytes)).toThrow(expect.objectContaining({ code: 'ek-certificate-malformed' }));
  });
});

describe('splitCertificates', () => {
  it('takes certificates that lie end to end, and leaves the padding', () => {
    const [one, two] = [der(0x30, Buffer.alloc(200)), der(0x30, Buffer.alloc(3))];
    const split = splitCertificates(Buffer.concat([one, two, Buffer.alloc(9, 0xff)]));
    expect(split.map((certificate) => Buffer.from(certificate))).toEqual([one, two]);
    expect(splitCertificates(new Uint8Array(0))).toEqual([]);
  });
});

describe('the standard templates', () => {
  const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

  it('carry PolicyA, which is PolicySecret of the endorsement hierarchy', () => {
    const policySecret = Buffer.from('000001514000000b', 'hex');
    const policyA = sha256(sha256(Buffer.alloc(32), policySecret), Buffer.alloc(0));
    for (const { name, template } of ENDORSEMENT_KEY_PROFILES.filter(({ authorization }) => authorization === 'endorsement-policy')) {
      expect([name, Buffer.from(templatePolicy(template)).toString('hex')]).toEqual([name, policyA.toString('hex')]);
    }
  });

  // A template's ECC point may be empty, which is no key; its policy stands at a fixed place.
  function templatePolicy(template: Uint8Array): Uint8Array {
    return template.slice(10, 10 + (template[9] ?? 0));
  }

  it('are restricted decryption keys fixed to their TPM, at the certificates’ own indices', () => {
    expect(ENDORSEMENT_KEY_PROFILES.map(({ certificateIndex }) => certificateIndex.toString(16))).toEqual(['1c00002', '1c0000a', '1c00012', '1c00014', '1c00016']);
    for (const { template, authorization } of ENDORSEMENT_KEY_PROFILES) {
      expect(parsePublicArea(template).attributes).toBe(authorization === 'password' ? 0x300f2 : 0x300b2);
    }
  });
});
