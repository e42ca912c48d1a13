import { readFileSync } from 'node:fs';
import { fromBase64url } from '@strongroom/attestation-encoding';
import { FakeAttestationKey, FakeEndorsementKey, objectName } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { requireEndorsementKey } from './endorsement-key.js';
import { nameSize, parsePublicArea, parseTpm2bPublic, publicKeyOf, tpmName } from './public-area.js';

const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/tpm/node.json', import.meta.url), 'utf8')) as { endorsement: { public: string } };
const code = (name: string): unknown => expect.objectContaining({ code: name });
const ecc = new FakeAttestationKey();
const rsa = new FakeAttestationKey('rsassa');
const edit = (area: Uint8Array, change: (bytes: Buffer) => void): Uint8Array => {
  const bytes = Buffer.from(area);
  change(bytes);
  return new Uint8Array(bytes);
};

describe('parsePublicArea', () => {
  it('reads an EK captured from a TPM', () => {
    const ek = requireEndorsementKey(fromBase64url(fixture.endorsement.public));
    expect(ek).toMatchObject({ nameAlg: 'sha256', symmetric: { keyBits: 128 }, scheme: null, key: { kind: 'rsa', exponent: 65537 } });
    expect(publicKeyOf(ek).asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65537n });
    expect(nameSize(ek)).toBe(32);
  });

  it('names keys under their own hash', () => {
    expect(tpmName(parsePublicArea(ecc.publicArea))).toBe(objectName(ecc.publicArea).toString('hex'));
    const p384 = new FakeEndorsementKey('ecc-p384');
    expect(tpmName(parsePublicArea(p384.publicArea))).toBe(p384.name);
  });

  it('pads coordinates whose leading zeros were dropped', () => {
    const area = Buffer.from(ecc.publicArea);
    const short = Buffer.concat([area.subarray(0, 20), Buffer.from([0, 1, 5]), area.subarray(20 + 34)]);
    expect(parsePublicArea(new Uint8Array(short)).key).toMatchObject({ x: new Uint8Array([...new Uint8Array(31), 5]) });
  });

  it.each([
    ['a key type that is no key', (bytes: Buffer) => bytes.writeUInt16BE(0x0008, 0), 'tpm-public-unsupported'],
    ['an unknown name algorithm', (bytes: Buffer) => bytes.writeUInt16BE(0x0012, 2), 'tpm-public-unsupported'],
    ['an unknown symmetric cipher', (bytes: Buffer) => bytes.writeUInt16BE(0x0013, 10), 'tpm-public-unsupported'],
    ['an unknown scheme', (bytes: Buffer) => bytes.writeUInt16BE(0x001a, 12), 'tpm-public-unsupported'],
    ['a scheme over SHA-1', (bytes: Buffer) => bytes.writeUInt16BE(0x0004, 14), 'tpm-public-unsupported'],
    ['another curve', (bytes: Buffer) => bytes.writeUInt16BE(0x0005, 16), 'tpm-public-unsupported'],
    ['a key derivation scheme', (bytes: Buffer) => bytes.writeUInt16BE(0x0020, 18), 'tpm-public-unsupported'],
    ['a policy beyond any hash', (bytes: Buffer) => bytes.writeUInt16BE(65, 8), 'tpm-public-malformed'],
    ['a coordinate beyond its curve', (bytes: Buffer) => bytes.writeUInt16BE(33, 20), 'tpm-public-malformed'],
  ])('refuses an ECC key with %s', (_what, change, refusal) => {
    expect(() => parsePublicArea(edit(ecc.publicArea, change))).toThrow(code(refusal));
  });

  it.each([
    ['1024 bits', (bytes: Buffer) => bytes.writeUInt16BE(1024, 16), 'tpm-public-unsupported'],
    ['another size than stated', (bytes: Buffer) => bytes.writeUInt16BE(3072, 16), 'tpm-public-malformed'],
    ['a modulus that is shorter than stated', (bytes: Buffer) => bytes.writeUInt8(0x7f, 24), 'tpm-public-malformed'],
    ['another exponent', (bytes: Buffer) => bytes.writeUInt32BE(3, 18), 'tpm-public-unsupported'],
    ['a modulus beyond 4096 bits', (bytes: Buffer) => bytes.writeUInt16BE(513, 22), 'tpm-public-malformed'],
  ])('refuses an RSA key with %s', (_what, change, refusal) => {
    expect(() => parsePublicArea(edit(rsa.publicArea, change))).toThrow(code(refusal));
  });

  it('takes the exponent written out', () => {
    expect(parsePublicArea(edit(rsa.publicArea, (bytes) => bytes.writeUInt32BE(65537, 18))).key).toMatchObject({ exponent: 65537 });
  });

  it('refuses bytes after the structure, and more than 1 KiB', () => {
    expect(() => parsePublicArea(new Uint8Array([...ecc.publicArea, 0]))).toThrow(code('tpm-public-malformed'));
    expect(() => parsePublicArea(new Uint8Array(1025))).toThrow(code('tpm-public-malformed'));
  });

  it('reads the TPM2B wrapper only when told to', () => {
    const wrapped = new Uint8Array([0, ecc.publicArea.length, ...ecc.publicArea]);
    expect(tpmName(parseTpm2bPublic(wrapped))).toBe(ecc.name);
    expect(() => parsePublicArea(wrapped)).toThrow(code('tpm-public-unsupported'));
    expect(() => parseTpm2bPublic(new Uint8Array([...wrapped, 0]))).toThrow(code('tpm-public-malformed'));
    expect(() => parseTpm2bPublic(ecc.publicArea)).toThrow(code('tpm-public-malformed'));
  });

  it('refuses a point off its curve when the key is used', () => {
    const off = parsePublicArea(edit(ecc.publicArea, (bytes) => bytes.writeUInt8(bytes.readUInt8(30) ^ 1, 30)));
    expect(() => publicKeyOf(off)).toThrow(code('tpm-public-malformed'));
  });
});

describe('requireEndorsementKey', () => {
  it.each(['rsa-2048', 'rsa-3072', 'ecc-p256', 'ecc-p384'] as const)('takes %s', (kind) => {
    expect(requireEndorsementKey(new FakeEndorsementKey(kind).publicArea).symmetric).not.toBeNull();
  }, 60_000);

  const full = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'decrypt'] as const;
  it.each(full)('refuses a key that is not %s', (missing) => {
    const weak = new FakeEndorsementKey('ecc-p256', { attributes: full.filter((attribute) => attribute !== missing) });
    expect(() => requireEndorsementKey(weak.publicArea)).toThrow(code('tpm-ek-attributes'));
  });

  it('refuses a key that signs, or has no cipher, or a scheme, or a weak name', () => {
    expect(() => requireEndorsementKey(new FakeEndorsementKey('ecc-p256', { attributes: [...full, 'sign'] }).publicArea)).toThrow(code('tpm-ek-attributes'));
    expect(() => requireEndorsementKey(new FakeEndorsementKey('ecc-p256', { symmetric: false }).publicArea)).toThrow(code('tpm-ek-attributes'));
    expect(() => requireEndorsementKey(edit(new FakeEndorsementKey('ecc-p256').publicArea, (bytes) => bytes.writeUInt16BE(0x0004, 2)))).toThrow(code('tpm-ek-attributes'));
  });

  it('refuses RSA of 4096 bits, and AES in another mode', () => {
    const ek = Buffer.from(new FakeEndorsementKey('rsa-2048').publicArea);
    const keyAt = ek.length - 256 - 8;
    const large = Buffer.concat([ek.subarray(0, keyAt), Buffer.from([0x10, 0, 0, 0, 0, 0, 2, 0]), Buffer.alloc(512, 0xff)]);
    expect(() => requireEndorsementKey(new Uint8Array(large))).toThrow(code('tpm-ek-attributes'));
    const modeAt = keyAt - 4;
    expect(() => requireEndorsementKey(edit(ek, (bytes) => bytes.writeUInt16BE(0x0042, modeAt)))).toThrow(code('tpm-public-unsupported'));
    expect(() => requireEndorsementKey(edit(ek, (bytes) => bytes.writeUInt16BE(192, modeAt - 2)))).toThrow(code('tpm-public-unsupported'));
  });
});
