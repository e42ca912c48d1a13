import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { decodeCbor } from '@strongroom/attestation-encoding';
import type { PcrBank } from '@strongroom/attestation-model';
import { parseAttest, parseAttestationKey, parsePublicArea, parseSignature, parseTpm2bPublic, publicKeyOf, tpmName } from '@strongroom/attestation-tpm2';
import type { Suite, SuiteCase } from '../suite.js';
import { judgeForeignQuote, verdict } from '../tpm/judge.js';
import { readPcrFile } from '../tpm/pcr-file.js';
import { byteFields, readMessage } from '../tpm/protobuf.js';
import { listFiles, readBytes, readText } from '../vectors.js';

const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** Files of tpm2-tools as Keylime keeps them, and one quote of its Rust agent. */
export const keylimeSuite: Suite = {
  name: 'tpm-keylime',
  folder: 'attestation/tpm/keylime',
  async run(folder) {
    const ak = parseTpm2bPublic(await readBytes(folder, 'ak.pub'));
    const quote = await readBytes(folder, 'quote.out');
    const signature = await readBytes(folder, 'quotesig.out');
    const pcrs = readPcrFile(await readBytes(folder, 'quotepcr.out'));
    const changed = pcrs.map(({ bank, values }) => ({ bank, values: { ...values, 16: 'ff'.repeat(32) } }));
    const [rustQuote = '', rustSignature = ''] = (await readText(folder, 'rust-test-quote.txt')).slice(1).split(':');
    return [
      { case: 'ak.name', expected: Buffer.from(await readBytes(folder, 'ak.name')).toString('hex'), got: tpmName(ak) },
      { case: 'akpub.pem', expected: normalPem(await readText(folder, 'akpub.pem')), got: pemOf(publicKeyOf(ak)) },
      { case: 'ekpub.pem', expected: normalPem(await readText(folder, 'ekpub.pem')), got: pemOf(publicKeyOf(parseTpm2bPublic(await readBytes(folder, 'ek.pub')))) },
      { case: 'quote.out', expected: 'accept', got: verdict(() => judgeForeignQuote(quote, signature, ak, pcrs)) },
      { case: 'quote.out with another PCR value', expected: 'PCR values are not those quoted', got: verdict(() => judgeForeignQuote(quote, signature, ak, changed)) },
      { case: 'ak.pub as an attestation key', expected: 'accept', got: verdict(() => parseAttestationKey(ak.raw)) },
      { case: 'rust-test-quote.txt, statement', expected: 'accept', got: verdict(() => parseAttest(base64(rustQuote))) },
      { case: 'rust-test-quote.txt, signature over SHA-1: refused by choice', expected: 'tpm-signature-malformed', got: verdict(() => parseSignature(base64(rustSignature))) },
    ];
  },
};

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString().trim();
}

function normalPem(pem: string): string {
  return pemOf(createPublicKey(pem));
}

const BANKS = new Map<number | Uint8Array | undefined, PcrBank['bank']>([[4, 'sha1'], [11, 'sha256'], [12, 'sha384'], [13, 'sha512']]);

/** Attestations of Google's virtual TPM, in the protobuf of go-tpm-tools: key, and a quote for each bank. */
export const goTpmToolsSuite: Suite = {
  name: 'tpm-go-tpm-tools',
  folder: 'attestation/tpm/go-tpm-tools',
  async run(folder) {
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.pb'))) {
      const attestation = readMessage(await readBytes(folder, file));
      const ak = parsePublicArea(byteFields(attestation, 1)[0] ?? new Uint8Array());
      const nonce = /nonce([0-9]+)\.pb$/.exec(file)?.[1] ?? '';
      cases.push({ case: `${file}, key`, expected: 'accept', got: verdict(() => parseAttestationKey(ak.raw)) });
      for (const bytes of byteFields(attestation, 2)) cases.push(...quoteCases(file, nonce, ak, readMessage(bytes)));
    }
    return cases;
  },
};

function quoteCases(file: string, nonce: string, ak: ReturnType<typeof parsePublicArea>, quote: ReturnType<typeof readMessage>): SuiteCase[] {
  const [attest = new Uint8Array()] = byteFields(quote, 1);
  const [signature = new Uint8Array()] = byteFields(quote, 2);
  const values = readMessage(byteFields(quote, 3)[0] ?? new Uint8Array());
  const bank = BANKS.get(values.get(1)?.[0]) ?? 'sha512';
  const pairs = byteFields(values, 2).map((pair) => {
    const entry = readMessage(pair);
    return [String(entry.get(1)?.[0] ?? 0), Buffer.from(byteFields(entry, 2)[0] ?? new Uint8Array()).toString('hex')] as const;
  });
  const pcrs: PcrBank = { bank, values: Object.fromEntries(pairs) };
  const flipped = Buffer.from(attest);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  return [
    { case: `${file}, quote of ${bank}`, expected: 'accept', got: verdict(() => judgeForeignQuote(attest, signature, ak, [pcrs])) },
    { case: `${file}, quote of ${bank}, challenge`, expected: nonce, got: Buffer.from(parseAttest(attest).extraData).toString('hex') },
    { case: `${file}, quote of ${bank} with a bit flipped`, expected: 'signature does not hold', got: verdict(() => judgeForeignQuote(new Uint8Array(flipped), signature, ak, [pcrs])) },
  ];
}

/** Statements whose key came in another form than a TPM's: read, and checked under that key. */
export const otherPeersSuite: Suite = {
  name: 'tpm-trustee-veraison-go-attestation',
  folder: 'attestation/tpm',
  async run(folder) {
    return [...(await trusteeCases(folder)), ...(await veraisonCases(folder)), ...(await goAttestationCases(folder))];
  },
};

async function trusteeCases(folder: string): Promise<SuiteCase[]> {
  const { ak_public: akPublic, tpm_quote: quote } = JSON.parse(await readText(folder, 'trustee/tpm_evidence.json')) as { ak_public: string; tpm_quote: { message: string; signature: string } };
  const key = createPublicKey({ key: Buffer.from(akPublic, 'base64'), format: 'der', type: 'spki' });
  return [{ case: 'trustee/tpm_evidence.json', expected: 'accept', got: verdict(() => judgeUnder(key, base64(quote.message), base64(quote.signature))) }];
}

async function veraisonCases(folder: string): Promise<SuiteCase[]> {
  const token = await readBytes(folder, 'veraison/enacttrust-basic.token');
  const size = ((token[16] ?? 0) << 8) | (token[17] ?? 0);
  const attest = token.subarray(18, 18 + size);
  const key = createPublicKey(await readText(folder, 'veraison/enacttrust-basic.pem.pub'));
  const { digest } = JSON.parse(await readText(folder, 'veraison/enacttrust-basic.json')) as { digest: string };
  const statement = parseAttest(attest);
  const parsec = decodeCbor(await readBytes(folder, 'veraison/parsec-evidence.cbor'), 4096) as ParsecEvidence;
  const field = (part: 'kat' | 'pat', name: string): Uint8Array => new Uint8Array(member(member(parsec, part), name) as Uint8Array);
  const certified = parseAttest(field('kat', 'certInfo'));
  return [
    { case: 'veraison/enacttrust-basic.token', expected: 'accept', got: verdict(() => judgeUnder(key, attest, token.subarray(18 + size))) },
    { case: 'veraison/enacttrust-basic.token, PCR digest', expected: digest, got: statement.type === 'quote' ? Buffer.from(statement.pcrDigest).toString('base64') : 'no quote' },
    { case: 'veraison/parsec-evidence.cbor, certification', expected: 'certify', got: certified.type },
    { case: 'veraison/parsec-evidence.cbor, quote', expected: 'quote', got: parseAttest(field('pat', 'attestInfo')).type },
    { case: 'veraison/parsec-evidence.cbor, quote under the certified key, which did not sign it', expected: 'false', got: verdict(() => String(judgeUnder(publicKeyOf(parsePublicArea(field('kat', 'pubArea'))), field('pat', 'attestInfo'), field('pat', 'sig')) === 'accept')) },
  ];
}

type ParsecEvidence = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

function member(value: unknown, name: string): unknown {
  return value instanceof Map ? value.get(name) : (value as Readonly<Record<string, unknown>>)[name];
}

async function goAttestationCases(folder: string): Promise<SuiteCase[]> {
  const { AK: ak, Quote: quote } = JSON.parse(await readText(folder, 'go-attestation/windows_gcp_shielded_vm.json')) as { AK: { Public: string }; Quote: { Quote: string; Signature: string } };
  return [
    { case: 'go-attestation/windows_gcp_shielded_vm.json, statement', expected: 'quote', got: verdict(() => parseAttest(base64(quote.Quote)).type) },
    { case: 'go-attestation/windows_gcp_shielded_vm.json, signature over SHA-1: refused by choice', expected: 'tpm-signature-malformed', got: verdict(() => parseSignature(base64(quote.Signature))) },
    { case: 'go-attestation/windows_gcp_shielded_vm.json, key bound to SHA-1: refused by choice', expected: 'tpm-public-unsupported', got: verdict(() => parsePublicArea(base64(ak.Public))) },
  ];
}

function judgeUnder(key: KeyObject, attest: Uint8Array, tpmSignature: Uint8Array): string {
  parseAttest(attest);
  const signature = parseSignature(tpmSignature);
  const holds = signature.scheme === 'ecdsa'
    ? verify(signature.hash, attest, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat([signature.r, signature.s]))
    : verify(signature.hash, attest, key, signature.value);
  return holds ? 'accept' : 'signature does not hold';
}
