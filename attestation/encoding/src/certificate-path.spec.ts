import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { certificatePublicKey, isSignedBy, parseCertificate } from './certificate.js';
import { verifyCertificatePath } from './certificate-path.js';
import { digestOf } from './digest.js';

// A small DER writer of the tests' own, so that every field can be wrong on its own.
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const ECDSA_SHA256 = sequence(hex('06082a8648ce3d040302'));
const ECDSA_SHA1 = sequence(hex('06072a8648ce3d0401'));
const RSA_SHA256 = sequence(hex('06092a864886f70d01010b0500'));
const name = (text: string): Buffer => sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from(text)))));
const utc = (text: string): Buffer => der(0x17, Buffer.from(text));
const extension = (oid: string, value: Uint8Array, critical = true): Buffer => sequence(hex(oid), ...(critical ? [hex('0101ff')] : []), der(0x04, value));
const BASIC = '0603551d13';
const USAGE = '0603551d0f';
const PURPOSE = '0603551d25';
const SAN = '0603551d11';
const CA = extension(BASIC, sequence(hex('0101ff')));
const CA_LENGTH_0 = extension(BASIC, sequence(hex('0101ff'), hex('020100')));
const CERT_SIGN = extension(USAGE, hex('03020204'));
const UNKNOWN = extension('06032a0304', hex('0500'));

interface Parts {
  readonly issuer?: string;
  readonly subject?: string;
  readonly key?: KeyObject;
  readonly signer?: KeyObject;
  readonly extensions?: readonly Uint8Array[];
  readonly from?: string;
  readonly to?: string;
  readonly algorithm?: Uint8Array;
  readonly innerAlgorithm?: Uint8Array;
  readonly version?: Uint8Array;
  readonly extra?: Uint8Array;
}

const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function certificate(parts: Parts): Uint8Array {
  const algorithm = parts.algorithm ?? ECDSA_SHA256;
  const extensions = parts.extensions ?? [];
  const body = sequence(
    parts.version ?? hex('a003020102'), hex('020101'), parts.innerAlgorithm ?? algorithm, name(parts.issuer ?? 'root'),
    sequence(utc(parts.from ?? '260101000000Z'), utc(parts.to ?? '360101000000Z')), name(parts.subject ?? 'leaf'),
    (parts.key ?? leaf.publicKey).export({ format: 'der', type: 'spki' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign('sha256', body, parts.signer ?? root.privateKey);
  return new Uint8Array(sequence(body, algorithm, der(0x03, hex('00'), signature), ...(parts.extra === undefined ? [] : [parts.extra])));
}

const authority = (extensions: readonly Uint8Array[] = [CA, CERT_SIGN], parts: Parts = {}): Uint8Array => certificate({ subject: 'root', key: root.publicKey, extensions, ...parts });
const middle = (parts: Parts = {}): Uint8Array => certificate({ subject: 'issuer', key: issuer.publicKey, extensions: [CA, CERT_SIGN], ...parts });
const rootDer = authority();
const below = certificate({ issuer: 'issuer', signer: issuer.privateKey });
const NOW = new Date('2030-01-01T00:00:00Z');
const verify = (leafDer: Uint8Array, intermediates: readonly Uint8Array[], roots: readonly Uint8Array[] = [rootDer], tolerated: readonly string[] = [], now = NOW): ReturnType<typeof verifyCertificatePath> =>
  verifyCertificatePath({ leaf: leafDer, intermediates, roots, trustedRootDigests: roots.map((one) => digestOf(one)), tolerated }, now);
const noPath = expect.objectContaining({ code: 'certificate-path' });
const malformed = expect.objectContaining({ code: 'certificate-malformed' });

describe('verifyCertificatePath', () => {
  it('finds the path to a pinned root, past certificates that do not belong', () => {
    const { path, rootDigest } = verify(below, [certificate({}), middle({ signer: leaf.privateKey }), middle()]);
    expect(path.map(({ digest }) => digest)).toEqual([below, middle(), rootDer].map(() => expect.stringMatching(/^sha256:/)));
    expect(path).toHaveLength(3);
    expect(rootDigest).toBe(digestOf(rootDer));
    expect(verify(certificate({}), []).path).toHaveLength(2);
  });

  it('refuses when nothing is pinned, or something else', () => {
    const input = { leaf: below, intermediates: [middle()], roots: [rootDer] };
    for (const trustedRootDigests of [[], ['sha256:00'], [digestOf('another')], [digestOf(middle())]]) {
      expect(() => verifyCertificatePath({ ...input, trustedRootDigests }, NOW)).toThrow(noPath);
    }
    expect(() => verify(below, [middle()], [rootDer], [], new Date(Number.NaN))).toThrow(noPath);
  });

  it.each([
    ['an intermediate that is missing', below, []],
    ['a leaf signed by another key', certificate({ issuer: 'issuer', signer: leaf.privateKey }), [middle()]],
    ['a leaf signed under SHA-1', certificate({ algorithm: ECDSA_SHA1 }), []],
    ['a leaf whose algorithm does not fit the key', certificate({ algorithm: RSA_SHA256 }), []],
    ['a leaf past its end', certificate({ to: '270101000000Z' }), []],
    ['a leaf before its start', certificate({ from: '310101000000Z' }), []],
    ['a leaf with a critical extension nobody understands', certificate({ extensions: [UNKNOWN] }), []],
    ['an issuer past its end', below, [middle({ to: '270101000000Z' })]],
    ['an issuer without basic constraints', below, [middle({ extensions: [CERT_SIGN] })]],
    ['an issuer that is no authority', below, [middle({ extensions: [extension(BASIC, sequence())] })]],
    ['an issuer that may not sign certificates', below, [middle({ extensions: [CA, extension(USAGE, hex('03020780'))] })]],
    ['an issuer with a critical extension nobody understands', below, [middle({ extensions: [CA, UNKNOWN] })]],
    ['an issuer with a critical extension tolerated in leaves alone', below, [middle({ extensions: [CA, extension(SAN, sequence())] })]],
  ])('refuses %s', (_what, leafDer, intermediates) => {
    expect(() => verify(leafDer, intermediates, [rootDer], ['2.5.29.17'])).toThrow(noPath);
  });

  it('holds the root to its dates too', () => {
    const old = authority(undefined, { to: '270101000000Z' });
    expect(() => verify(certificate({}), [], [old])).toThrow(noPath);
  });

  it('keeps path lengths', () => {
    const flat = authority([CA_LENGTH_0, CERT_SIGN]);
    expect(verify(certificate({}), [], [flat]).path).toHaveLength(2);
    expect(() => verify(below, [middle()], [flat])).toThrow(noPath);
  });

  it('tolerates in the leaf what the caller names', () => {
    const named = certificate({ extensions: [extension(SAN, sequence())] });
    expect(() => verify(named, [])).toThrow(noPath);
    expect(verify(named, [], [rootDer], ['2.5.29.17']).path).toHaveLength(2);
  });

  it('takes an issuer without key usage, which then allows all', () => {
    expect(verify(below, [middle({ extensions: [CA] })]).path).toHaveLength(3);
  });

  it('stops at six certificates and at its count of signatures', () => {
    const loop = certificate({ subject: 'issuer', issuer: 'issuer', key: issuer.publicKey, signer: issuer.privateKey, extensions: [CA, CERT_SIGN] });
    expect(() => verify(below, [loop])).toThrow(noPath);
    const twins = Array.from({ length: 20 }, (_, year) => certificate({ subject: 'issuer', issuer: 'issuer', key: issuer.publicKey, signer: issuer.privateKey, extensions: [CA], to: `${40 + (year % 9)}0101000000Z` }));
    expect(() => verify(below, twins)).toThrow(noPath);
    expect(() => verify(below, Array.from({ length: 24 }, () => middle()))).toThrow(noPath);
  });

  it('refuses a malformed certificate anywhere', () => {
    expect(() => verify(below.subarray(1), [middle()])).toThrow(malformed);
    expect(() => verify(below, [new Uint8Array(3)])).toThrow(malformed);
  });
});

describe('parseCertificate', () => {
  it('reads what a path is judged by', () => {
    const parsed = parseCertificate(certificate({ extensions: [extension(PURPOSE, sequence(hex('06056781050801')), false), extension(BASIC, sequence(hex('020103'))), CERT_SIGN] }));
    expect(parsed).toMatchObject({ basicConstraints: { ca: false, pathLength: 3 }, extendedKeyUsage: ['2.23.133.8.1'], criticalExtensions: ['2.5.29.19', '2.5.29.15'] });
    expect([...(parsed.keyUsage ?? [])]).toEqual([5]);
    expect(certificatePublicKey(parsed).equals(createPublicKey(leaf.publicKey.export({ format: 'pem', type: 'spki' })))).toBe(true);
    expect(isSignedBy(parsed, parseCertificate(rootDer))).toBe(true);
  });

  it.each([
    ['two algorithms that differ', certificate({ innerAlgorithm: RSA_SHA256 })],
    ['no version, so version 1', certificate({ version: hex('') })],
    ['an extension twice', certificate({ extensions: [CA, CA] })],
    ['a fourth part', certificate({ extra: hex('0500') })],
    ['more than 16 KiB', new Uint8Array(16 * 1024 + 1)],
    ['a date that does not exist', certificate({ to: '360231000000Z' })],
    ['bytes after', new Uint8Array([...certificate({}), 0])],
    ['no fields', new Uint8Array(sequence(sequence(hex('a003020102')), ECDSA_SHA256, hex('030100')))],
  ])('refuses %s', (_what, bytes) => {
    expect(() => parseCertificate(bytes)).toThrow(malformed);
  });

  it('refuses a key of no kind that is known', () => {
    const parsed = parseCertificate(certificate({}));
    expect(() => certificatePublicKey({ ...parsed, subjectPublicKeyInfo: new Uint8Array(sequence(sequence(hex('06032a0304')), hex('030100'))) })).toThrow(malformed);
  });
});
