import { readFileSync } from 'node:fs';
import { fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import type { PcrBank, Tpm2Evidence } from '@strongroom/attestation-model';
import { FakeAttestationKey, pcrSelection, type AttributeName, type FakeKeyKind } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { parseAttestationKey } from './attestation-key.js';
import { verifyTpm2Evidence, verifyTpm2Quote, type RequiredPcrs } from './quote.js';

interface Fixture {
  readonly binding_digest: string;
  readonly quotes: Readonly<Record<string, { readonly ak_name: string; readonly evidence: Tpm2Evidence }>>;
}

const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/tpm/node.json', import.meta.url), 'utf8')) as Fixture;
const captured = new Uint8Array(Buffer.from(fixture.binding_digest, 'hex'));
const BOOT: RequiredPcrs = { bank: 'sha256', indexes: [0, 1, 2, 3, 4, 5, 6, 7] };
const binding = new Uint8Array(32).fill(9);
const bank = (indexes: readonly number[], name: PcrBank['bank'] = 'sha256', bytes = 32): PcrBank => ({
  bank: name,
  values: Object.fromEntries(indexes.map((index) => [String(index), Buffer.alloc(bytes, index + 1).toString('hex')])),
});
const pcrs = [bank(BOOT.indexes)];
const ak = new FakeAttestationKey();
const expected = { akName: ak.name, bindingDigest: binding, requiredPcrs: BOOT };
const good = ak.quote(binding, pcrs);
const verify = (evidence: unknown, change: object = {}): unknown => verifyTpm2Evidence(evidence as Tpm2Evidence, { ...expected, ...change });
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('a quote captured from a TPM', () => {
  it.each(['ecdsa-p256', 'ecdsa-p384', 'rsassa', 'rsapss', 'two_banks', 'after_drift', 'after_reboot'])('verifies: %s', (which) => {
    const quote = fixture.quotes[which];
    if (quote === undefined) throw new Error('fixture is absent');
    const claims = verifyTpm2Evidence(quote.evidence, { akName: quote.ak_name, bindingDigest: captured, requiredPcrs: BOOT });
    expect(claims).toMatchObject({ kind: 'tpm2', hardware: true, akName: quote.ak_name, pcrs: quote.evidence.pcrs, bindingDigest: captured });
    expect(claims.clock).toMatchObject({ safe: true, restartCount: 0 });
    expect(claims.firmwareVersion).toMatch(/^[0-9a-f]{16}$/);
  });

  it('counts a reboot', () => {
    const resets = ['two_banks', 'after_reboot'].map((which) => {
      const quote = fixture.quotes[which];
      if (quote === undefined) throw new Error('fixture is absent');
      return verifyTpm2Quote(quote.evidence, { akName: quote.ak_name, bindingDigest: captured }).clock?.resetCount ?? 0;
    });
    expect(resets[1]).toBe((resets[0] ?? 0) + 1);
  });

  it('is refused over PCR 16 alone, where the boot is required', () => {
    const quote = fixture.quotes['only_pcr16'];
    if (quote === undefined) throw new Error('fixture is absent');
    const wanted = { akName: quote.ak_name, bindingDigest: captured };
    expect(() => verifyTpm2Evidence(quote.evidence, { ...wanted, requiredPcrs: BOOT })).toThrow(code('tpm-quote-selection'));
    expect(verifyTpm2Quote(quote.evidence, wanted).pcrs[0]?.values).toHaveProperty('16');
  });
});

describe('verifyTpm2Evidence', () => {
  it.each(['ecdsa-p256', 'ecdsa-p384', 'rsassa', 'rsapss'] as FakeKeyKind[])('verifies a quote by %s and gives out the clock', (kind) => {
    const key = new FakeAttestationKey(kind);
    const evidence = key.quote(binding, [...pcrs, bank([0, 23], 'sha1', 20)], { clockMs: 2n ** 40n, resetCount: 7, restartCount: 3, safe: 0 });
    expect(verify(evidence, { akName: key.name })).toMatchObject({ akName: key.name, clock: { clockMs: 2n ** 40n, resetCount: 7, restartCount: 3, safe: false } });
  }, 60_000);

  it('takes a selection that covers more than required, and a bank with nothing selected', () => {
    const more = ak.quote(binding, [bank([...BOOT.indexes, 10])], { selection: pcrSelection([{ bank: 'sha1', indexes: [] }, { bank: 'sha256', indexes: [...BOOT.indexes, 10] }]) });
    expect(verify(more)).toBeDefined();
  });

  it('freezes what it proved', () => {
    const claims = verifyTpm2Evidence(good, expected);
    expect(() => Object.assign(claims.pcrs[0]?.values ?? {}, { 0: '00' })).toThrow(TypeError);
  });

  it.each([
    ['another magic', { magic: 0xff544348 }, 'tpm-quote-magic'],
    ['another type of attestation', { type: 0x8019 }, 'tpm-quote-type'],
    ['bytes after the structure', { trailing: Uint8Array.of(0) }, 'tpm-quote-trailing'],
    ['a clock flag that is neither yes nor no', { safe: 2 }, 'tpm-quote-malformed'],
    ['a digest over other values', { pcrDigest: new Uint8Array(32) }, 'tpm-quote-pcr-digest'],
    ['a digest of another length', { pcrDigest: new Uint8Array(20) }, 'tpm-quote-pcr-digest'],
    ['a digest that is absent', { pcrDigest: new Uint8Array() }, 'tpm-quote-pcr-digest'],
    ['a digest beyond any hash', { pcrDigest: new Uint8Array(65) }, 'tpm-quote-malformed'],
    ['nothing selected', { selection: pcrSelection([]) }, 'tpm-quote-selection'],
    ['a bank with nothing selected', { selection: pcrSelection([{ bank: 'sha256', indexes: [] }]) }, 'tpm-quote-selection'],
    ['a bank twice', { selection: pcrSelection([{ bank: 'sha256', indexes: [0] }, { bank: 'sha256', indexes: [1] }]) }, 'tpm-quote-malformed'],
    ['a bank of an unknown hash', { selection: Buffer.from('00000001001203010000', 'hex') }, 'tpm-quote-malformed'],
    ['five banks', { selection: Buffer.from('00000005', 'hex') }, 'tpm-quote-malformed'],
    ['a bitmap of five octets', { selection: Buffer.from('00000001000b050100000000', 'hex') }, 'tpm-quote-malformed'],
    ['other PCRs selected than sent', { selection: pcrSelection([{ bank: 'sha256', indexes: [8, 9, 10, 11, 12, 13, 14, 15] }]) }, 'tpm-quote-selection'],
    ['fewer PCRs selected than sent', { selection: pcrSelection([{ bank: 'sha256', indexes: [0] }]) }, 'tpm-quote-selection'],
    ['another bank selected than sent', { selection: pcrSelection([{ bank: 'sha384', indexes: BOOT.indexes }]) }, 'tpm-quote-selection'],
    ['more banks selected than sent', { selection: pcrSelection([{ bank: 'sha256', indexes: BOOT.indexes }, { bank: 'sha1', indexes: [0] }]) }, 'tpm-quote-selection'],
  ])('refuses a genuine signature over %s', (_what, knobs, refusal) => {
    expect(() => verify(ak.quote(binding, pcrs, knobs))).toThrow(code(refusal));
  });

  it('refuses a certification where a quote is asked for', () => {
    const { attest, signature } = ak.certify(binding, ak.name);
    expect(() => verify({ ...good, attest: toBase64url(attest), signature: toBase64url(signature) })).toThrow(code('tpm-quote-type'));
  });

  it.each([
    ['another challenge', new Uint8Array(32)], ['a challenge that begins alike', binding.subarray(0, 31)], ['a challenge that is longer', new Uint8Array(33).fill(9)], ['no challenge', new Uint8Array()],
  ])('refuses a quote over %s', (_what, other) => {
    expect(() => verify(ak.quote(other, pcrs))).toThrow(code('tpm-quote-nonce-mismatch'));
  });

  it('refuses values that were changed after the quote', () => {
    const values = { ...good.pcrs[0]?.values, 7: 'ff'.repeat(32) };
    expect(() => verify({ ...good, pcrs: [{ bank: 'sha256', values }] })).toThrow(code('tpm-quote-pcr-digest'));
  });

  it.each([
    ['a bank that is not required', [bank(BOOT.indexes, 'sha1', 20)]], ['a required PCR missing', [bank([0, 1, 2, 3, 4, 5, 6])]], ['the PCR that can be reset, alone', [bank([16])]],
  ])('refuses a genuine quote with %s', (_what, other) => {
    expect(() => verify(ak.quote(binding, other))).toThrow(code('tpm-quote-selection'));
  });

  describe('signature', () => {
    const flip = (text: string, at: number): string => {
      const bytes = fromBase64url(text);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return toBase64url(bytes);
    };

    it('is refused when a bit of it or of what it covers flips', () => {
      expect(() => verify({ ...good, signature: flip(good.signature, 20) })).toThrow(code('tpm-quote-signature'));
      expect(() => verify({ ...good, attest: flip(good.attest, 90) })).toThrow(code('tpm-quote-signature'));
    });

    it('is refused by another key, under another scheme or another hash', () => {
      const attest = fromBase64url(good.attest);
      for (const other of [new FakeAttestationKey(), new FakeAttestationKey('ecdsa-p384'), new FakeAttestationKey('rsassa')]) {
        expect(() => verify({ ...good, signature: toBase64url(other.sign(attest)) })).toThrow(code('tpm-quote-signature'));
      }
      const rsa = new FakeAttestationKey('rsapss');
      const quote = rsa.quote(binding, pcrs);
      expect(() => verify({ ...quote, signature: good.signature }, { akName: rsa.name })).toThrow(code('tpm-quote-signature'));
    }, 60_000);

    it('is refused with an r longer than the curve', () => {
      const bytes = Buffer.from(fromBase64url(good.signature));
      const longer = Buffer.concat([bytes.subarray(0, 4), Buffer.from([0, 33, 0]), bytes.subarray(6)]);
      expect(() => verify({ ...good, signature: toBase64url(longer) })).toThrow(code('tpm-quote-signature'));
    });

    it.each([
      ['an unknown scheme', (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0x1a]), bytes.subarray(2)])],
      ['SHA-1', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 2), Buffer.from([0, 4]), bytes.subarray(4)])],
      ['bytes after it', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from([0])])],
      ['a part beyond any curve', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4), Buffer.from([0, 49]), Buffer.alloc(60)])],
      ['its end cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ])('is refused with %s', (_what, change) => {
      expect(() => verify({ ...good, signature: toBase64url(change(Buffer.from(fromBase64url(good.signature)))) })).toThrow(code('tpm-signature-malformed'));
    });
  });

  describe('attestation key', () => {
    it('must be the enrolled one', () => {
      expect(() => verify(good, { akName: new FakeAttestationKey().name })).toThrow(code('tpm-ak-name-mismatch'));
    });

    const full: readonly AttributeName[] = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign'];
    it.each(full)('must be %s', (missing) => {
      const weak = new FakeAttestationKey('ecdsa-p256', { attributes: full.filter((attribute) => attribute !== missing) });
      expect(() => verify(weak.quote(binding, pcrs), { akName: weak.name })).toThrow(code('tpm-ak-attributes'));
    });

    it('must not decrypt', () => {
      const both = new FakeAttestationKey('ecdsa-p256', { attributes: [...full, 'decrypt'] });
      expect(() => verify(both.quote(binding, pcrs), { akName: both.name })).toThrow(code('tpm-ak-attributes'));
    });

    it('must be bound to a scheme that fits it', () => {
      const open = new FakeAttestationKey('ecdsa-p256', { bindScheme: false });
      expect(() => verify(open.quote(binding, pcrs), { akName: open.name })).toThrow(code('tpm-ak-scheme'));
      const area = Buffer.from(ak.publicArea);
      for (const scheme of [0x0014, 0x0019]) {
        area.writeUInt16BE(scheme, 12);
        expect(() => parseAttestationKey(new Uint8Array(area))).toThrow(code('tpm-ak-scheme'));
      }
    });

    it('may be named under SHA-384', () => {
      const key = new FakeAttestationKey('ecdsa-p256', { nameAlg: 'sha384' });
      expect(key.name).toHaveLength(100);
      expect(verify(key.quote(binding, pcrs), { akName: key.name })).toBeDefined();
    });
  });

  it.each([
    ['no object', null], ['another kind', { ...good, kind: 'software' }], ['an unknown member', { ...good, more: 1 }], ['no quote', { ...good, attest: undefined }],
    ['no signature', { ...good, signature: undefined }], ['no key', { ...good, ak_public: undefined }], ['no values', { ...good, pcrs: undefined }], ['five banks', { ...good, pcrs: Array(5).fill(pcrs[0]) }],
    ['a quote of 3 KiB', { ...good, attest: toBase64url(new Uint8Array(3000)) }], ['a bank that is no object', { ...good, pcrs: [null] }], ['a bank of an unknown hash', { ...good, pcrs: [{ bank: 'md5', values: {} }] }],
    ['a bank without name', { ...good, pcrs: [{ values: {} }] }], ['a bank without values', { ...good, pcrs: [{ bank: 'sha256' }] }], ['a PCR beyond 31', { ...good, pcrs: [{ bank: 'sha256', values: { 32: '00'.repeat(32) } }] }],
    ['a PCR spelt otherwise', { ...good, pcrs: [{ bank: 'sha256', values: { '01': '00'.repeat(32) } }] }], ['a value in capitals', { ...good, pcrs: [{ bank: 'sha256', values: { 0: 'AA'.repeat(32) } }] }],
    ['a value too short', { ...good, pcrs: [{ bank: 'sha256', values: { 0: '00' } }] }], ['a value of another type', { ...good, pcrs: [{ bank: 'sha256', values: { 0: 0 } }] }],
    ['33 values', { ...good, pcrs: [{ bank: 'sha256', values: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [String(i), '00'.repeat(32)])) }] }],
  ])('refuses evidence with %s', (_what, evidence) => {
    expect(() => verify(evidence)).toThrow(code('tpm-evidence-malformed'));
  });

  it.each([
    ['no AK name', { akName: undefined }], ['an AK name in capitals', { akName: ak.name.toUpperCase() }], ['no binding', { bindingDigest: undefined }], ['a short binding', { bindingDigest: new Uint8Array(31) }],
    ['no required PCR', { requiredPcrs: { bank: 'sha256', indexes: [] } }], ['required PCRs absent', { requiredPcrs: undefined }],
  ])('refuses to verify against %s', (_what, change) => {
    expect(() => verify(good, change)).toThrow(code('tpm-expectation-malformed'));
  });

  it('refuses every truncation of the quote and of the key', () => {
    for (const member of ['attest', 'ak_public'] as const) {
      const bytes = fromBase64url(good[member]);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => verify({ ...good, [member]: toBase64url(bytes.subarray(0, length)) })).toThrow(/cut short|TPM_GENERATED|bytes|not|accepted|missing/);
      }
    }
  });
});
