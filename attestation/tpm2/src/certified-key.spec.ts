import { readFileSync } from 'node:fs';
import { fromBase64url } from '@strongroom/attestation-encoding';
import { FakeAttestationKey } from '@strongroom/attestation-testing';
import { describe, expect, it } from '@jest/globals';
import { verifyCertifiedKey } from './certified-key.js';
import { tpmName } from './public-area.js';

interface Certified {
  readonly ak_name: string;
  readonly ak_public: string;
  readonly public: string;
  readonly attest: string;
  readonly signature: string;
}
const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/tpm/node.json', import.meta.url), 'utf8')) as { binding_digest: string; certified: { resident: Certified; exportable: Certified } };
const captured = new Uint8Array(Buffer.from(fixture.binding_digest, 'hex'));
const input = (from: Certified): Parameters<typeof verifyCertifiedKey>[0] => ({
  attest: fromBase64url(from.attest), signature: fromBase64url(from.signature), akPublic: fromBase64url(from.ak_public), certifiedPublic: fromBase64url(from.public),
});
const code = (name: string): unknown => expect.objectContaining({ code: name });
const { resident, exportable } = fixture.certified;
const expected = { akName: resident.ak_name, bindingDigest: captured };

describe('verifyCertifiedKey', () => {
  it('verifies a resident key that a TPM certified', () => {
    const key = verifyCertifiedKey(input(resident), expected);
    expect(key.attributes).toMatchObject({ fixedTpm: true, restricted: false });
    expect(tpmName(key)).toMatch(/^000b/);
  });

  it('refuses a key that can leave its TPM, however genuine the certification', () => {
    expect(() => verifyCertifiedKey(input(exportable), expected)).toThrow(code('tpm-certified-attributes'));
  });

  it('refuses another key than the certified one', () => {
    expect(() => verifyCertifiedKey({ ...input(resident), certifiedPublic: input(exportable).certifiedPublic }, expected)).toThrow(code('tpm-certified-name-mismatch'));
  });

  it('refuses another challenge, another attestation key, another signature', () => {
    expect(() => verifyCertifiedKey(input(resident), { ...expected, bindingDigest: new Uint8Array(32) })).toThrow(code('tpm-quote-nonce-mismatch'));
    expect(() => verifyCertifiedKey(input(resident), { ...expected, akName: new FakeAttestationKey().name })).toThrow(code('tpm-ak-name-mismatch'));
    expect(() => verifyCertifiedKey({ ...input(resident), signature: input(exportable).signature }, expected)).toThrow(code('tpm-quote-signature'));
  });

  it('refuses a quote, and a name beyond any hash', () => {
    const ak = new FakeAttestationKey();
    const wanted = { akName: ak.name, bindingDigest: captured };
    const quote = ak.quote(captured, [{ bank: 'sha256', values: { 0: '00'.repeat(32) } }]);
    const keys = { akPublic: ak.publicArea, certifiedPublic: input(resident).certifiedPublic };
    expect(() => verifyCertifiedKey({ attest: fromBase64url(quote.attest), signature: fromBase64url(quote.signature), ...keys }, wanted)).toThrow(code('tpm-quote-type'));
    expect(() => verifyCertifiedKey({ ...ak.certify(captured, 'ab'.repeat(67)), ...keys }, wanted)).toThrow(code('tpm-quote-malformed'));
  });
});
