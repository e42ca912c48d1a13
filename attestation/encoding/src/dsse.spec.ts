import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { dssePae, ed25519KeyId, mergeDsse, parseDsse, signDsse, verifyDsse } from './dsse.js';

const TYPE = 'application/vnd.strongroom.test+json';
const payload = new Uint8Array(Buffer.from('{"a":1}'));
const pair = (): { publicKey: KeyObject; privateKey: KeyObject } => generateKeyPairSync('ed25519');
const first = pair();
const second = pair();
const trusted = new Map([first, second].map(({ publicKey }) => [ed25519KeyId(publicKey), publicKey]));
const both = signDsse(TYPE, payload, [first.privateKey, second.privateKey]);
const [line] = both.signatures;
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('DSSE', () => {
  it('encodes as the protocol shows it', () => {
    expect(Buffer.from(dssePae('http://example.com/HelloWorld', new Uint8Array(Buffer.from('hello world')))).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('verifies a threshold of distinct trusted keys', () => {
    const { payload: proven, keyIds } = verifyDsse(both, TYPE, trusted, 2, 100);
    expect(proven).toEqual(payload);
    expect(keyIds).toEqual([...trusted.keys()]);
  });

  it('counts keys, not signature lines', () => {
    expect(() => verifyDsse({ ...both, signatures: [line, line] }, TYPE, trusted, 2, 100)).toThrow(code('dsse-threshold'));
  });

  it('ignores signatures by unknown keys', () => {
    const stranger = signDsse(TYPE, payload, [pair().privateKey, first.privateKey]);
    expect(verifyDsse(stranger, TYPE, trusted, 1, 100).keyIds).toHaveLength(1);
    expect(() => verifyDsse(stranger, TYPE, trusted, 2, 100)).toThrow(code('dsse-threshold'));
  });

  it('refuses a trusted key whose signature does not hold, however many others do', () => {
    const [, other] = both.signatures;
    const spoilt = { ...both, signatures: [line, { keyid: other?.keyid, sig: line?.sig }] };
    expect(() => verifyDsse(spoilt, TYPE, trusted, 1, 100)).toThrow(code('dsse-threshold'));
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a threshold of %s', (threshold) => {
    expect(() => verifyDsse(both, TYPE, trusted, threshold, 100)).toThrow(code('dsse-threshold'));
  });

  it('refuses when no key is trusted', () => {
    expect(() => verifyDsse(both, TYPE, new Map(), 1, 100)).toThrow(code('dsse-threshold'));
  });

  it('refuses a trusted key filed under another id', () => {
    expect(() => verifyDsse(both, TYPE, new Map([[line?.keyid ?? '', second.publicKey]]), 1, 100)).toThrow(code('dsse-threshold'));
  });

  it('refuses another payload type, and one that was not signed', () => {
    expect(() => verifyDsse(both, 'text/plain', trusted, 1, 100)).toThrow(code('dsse-payload-type'));
    expect(() => verifyDsse({ ...both, payloadType: 'text/plain' }, 'text/plain', trusted, 1, 100)).toThrow(code('dsse-threshold'));
  });

  it('refuses a payload beyond the bound', () => {
    expect(() => verifyDsse(both, TYPE, trusted, 1, 3)).toThrow(code('base64url-malformed'));
  });

  it.each([
    ['no object', null], ['a list', []], ['text', 'x'], ['an unknown member', { ...both, more: 1 }], ['no payload type', { ...both, payloadType: undefined }],
    ['an empty payload type', { ...both, payloadType: '' }], ['an overlong payload type', { ...both, payloadType: 'x'.repeat(201) }], ['no signatures', { ...both, signatures: [] }],
    ['signatures of another type', { ...both, signatures: {} }], ['too many signatures', { ...both, signatures: Array.from({ length: 33 }, () => line) }],
    ['a signature that is no object', { ...both, signatures: [null] }], ['a signature without key id', { ...both, signatures: [{ sig: line?.sig }] }],
    ['a signature without value', { ...both, signatures: [{ keyid: line?.keyid }] }], ['a signature with more members', { ...both, signatures: [{ ...line, cert: '' }] }],
  ])('refuses an envelope with %s', (_what, envelope) => {
    expect(() => parseDsse(envelope, 100)).toThrow(code('dsse-malformed'));
  });

  it('refuses a payload that is absent', () => {
    expect(() => parseDsse({ ...both, payload: undefined }, 100)).toThrow(code('base64url-malformed'));
  });

  it('merges signatures over one payload, each key once', () => {
    const one = signDsse(TYPE, payload, [first.privateKey]);
    expect(mergeDsse(one, both)).toEqual(both);
    expect(() => mergeDsse(one, { ...both, payload: 'AA' })).toThrow(code('dsse-malformed'));
    expect(() => mergeDsse(one, { ...both, payloadType: 'text/plain' })).toThrow(code('dsse-malformed'));
  });

  it('names Ed25519 public keys alone', () => {
    expect(() => ed25519KeyId(first.privateKey)).toThrow(RangeError);
    expect(() => ed25519KeyId(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)).toThrow(RangeError);
  });
});
