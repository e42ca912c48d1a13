import { digestOf, toBase64url } from '@strongroom/attestation-encoding';
import type { Tpm2Evidence } from '@strongroom/attestation-model';
import { matchEnvironment } from '@strongroom/attestation-appraisal';
import {
  parseAttest, parseAttestationKey, parseSignature, parseTpm2bPublic, requireResidentKey, tpmName, vendorEkRootDigests, verifyEndorsement, verifySignature, verifyTpm2Evidence,
} from '@strongroom/attestation-tpm2';
import type { Suite, SuiteCase } from '../suite.js';
import { readPem, verdict } from '../tpm/judge.js';
import { readPcrFile } from '../tpm/pcr-file.js';
import { listFiles, readBytes, readText } from '../vectors.js';

/** Why the publisher says a file is bad → what must be said here. Files it says nothing of are no quotes. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/UNRESTRICTED/, 'tpm-ak-attributes'],
  [/drift/, 'another environment'],
  [/reboot/, 'another environment, another boot'],
  [/attest bit flipped|signature bit flipped/, 'tpm-quote-signature'],
  [/without PCR 10|PCR 16 only|SHA-1 bank only/, 'tpm-quote-selection'],
  [/other nonce/, 'tpm-quote-nonce-mismatch'],
  [/after the structure/, 'tpm-quote-trailing'],
  [/truncated/, 'tpm-quote-malformed'],
  [/magic replaced/, 'tpm-quote-magic'],
];

/** What each of the node's good quotes covers: firmware to Secure Boot state, and the kernel's measurement list. */
const BOOT_AND_IMA = [0, 1, 2, 3, 4, 5, 6, 7, 10];

interface Expected {
  readonly pcrs_sha256: Readonly<Record<string, string>>;
  readonly ak_name: string;
  readonly resetCount: number;
}

interface NodeFolder {
  readonly folder: string;
  readonly files: ReadonlySet<string>;
  readonly expected: Expected;
  readonly verdicts: ReadonlyMap<string, string>;
}

/**
 * One node with a software TPM: its quotes in four schemes, each genuine and wrong quote made from it, its endorsement and a certified key. Boot
 * log, IMA list and platform certificate stand in the same folder and are not read here.
 */
export const tpmNodeSuite: Suite = {
  name: 'tpm-swtpm-node',
  folder: 'attestation/tpm/swtpm-node',
  async run(folder) {
    const manifest = JSON.parse(await readText(folder, '../../manifest.json')) as { files: { file: string; expect: string }[] };
    const node: NodeFolder = {
      folder,
      files: new Set(await listFiles(folder)),
      expected: JSON.parse(await readText(folder, 'expected.json')) as Expected,
      verdicts: new Map(manifest.files.filter(({ file }) => file.startsWith('tpm/swtpm-node/')).map(({ file, expect }) => [file.slice('tpm/swtpm-node/'.length), expect])),
    };
    return [...(await quoteCases(node)), ...(await endorsementCases(node)), ...(await certifiedCases(node))];
  },
};

async function quoteCases(node: NodeFolder): Promise<SuiteCase[]> {
  const cases: SuiteCase[] = [];
  for (const [file, expect] of node.verdicts) {
    if (!/^(invalid\/)?(quote|forged)_.*\.(msg|sig)$/.test(file) || !/^(valid|invalid)/.test(expect)) continue;
    const expected = expect.startsWith('valid') ? 'accept' : (REFUSALS.find(([why]) => why.test(expect))?.[1] ?? `a refusal for: ${expect}`);
    cases.push({ case: file, expected, got: await judgeQuote(node, file) });
  }
  return cases;
}

async function judgeQuote({ folder, files, expected }: NodeFolder, file: string): Promise<string> {
  const stem = file.replace(/\.(msg|sig)$/, '');
  // A file that stands alone is a change of one part of the good quote: its other parts are those of the original.
  const part = (extension: string): string => (files.has(`${stem}.${extension}`) ? `${stem}.${extension}` : `quote_ecc.${extension}`);
  const forged = files.has(`${stem}.pub`);
  const keyFile = forged ? `${stem}.pub` : /rsapss/.test(stem) ? 'ak_pss.pub' : /rsassa/.test(stem) ? 'ak_rsa.pub' : 'ak.pub';
  const key = parseTpm2bPublic(await readBytes(folder, keyFile));
  const attest = await readBytes(folder, part('msg'));
  const pcrs = readPcrFile(await readBytes(folder, part('pcrs')));
  const evidence: Tpm2Evidence = { kind: 'tpm2', attest: toBase64url(attest), signature: toBase64url(await readBytes(folder, part('sig'))), ak_public: toBase64url(key.raw), pcrs };
  const akName = keyFile === 'ak.pub' ? expected.ak_name : tpmName(key);
  const bindingDigest = await readBytes(folder, 'nonce.bin');
  const reference = Object.fromEntries(BOOT_AND_IMA.map((index) => [String(index), expected.pcrs_sha256[String(index)] ?? '']));
  return verdict(() => {
    const claims = verifyTpm2Evidence(evidence, { akName, bindingDigest, requiredPcrs: { bank: 'sha256', indexes: BOOT_AND_IMA } });
    const environment = { name: 'node', kind: 'tpm2', bank: 'sha256', pcrs: reference, expires_at: '2027-12-31T00:00:00Z' } as const;
    const wrong = [
      ...(matchEnvironment(claims, [environment], new Date('2026-12-01T00:00:00Z')) === null ? ['another environment'] : []),
      ...(claims.clock?.resetCount === expected.resetCount ? [] : ['another boot']),
    ];
    return wrong.length === 0 ? 'accept' : wrong.join(', ');
  });
}

async function endorsementCases({ folder }: NodeFolder): Promise<SuiteCase[]> {
  const root = readPem(await readText(folder, 'swtpm-localca-root.pem'));
  const issuer = readPem(await readText(folder, 'swtpm-localca-issuer.pem'));
  const ek = parseTpm2bPublic(await readBytes(folder, 'ek.pub')).raw;
  const otherEk = parseTpm2bPublic(await readBytes(folder, 'invalid/other_ek.pub')).raw;
  const certificate = await readBytes(folder, 'ek_cert.der');
  const otherCertificate = await readBytes(folder, 'invalid/other_ek_cert.der');
  const judge = (ekCertificate: Uint8Array, ekPublic: Uint8Array, trustedRootDigests: readonly string[] = [digestOf(root)]): string =>
    verdict(() => verifyEndorsement({ ekCertificate, ekPublic, intermediates: [issuer], roots: [root], trustedRootDigests }, new Date('2026-12-01T00:00:00Z')));
  return [
    { case: 'ek_cert.der, its authority pinned', expected: 'accept', got: judge(certificate, ek) },
    { case: 'ek_cert.der, the vendors pinned', expected: 'tpm-ek-path', got: judge(certificate, ek, vendorEkRootDigests()) },
    { case: 'ek_cert.der, nothing pinned', expected: 'tpm-ek-path', got: judge(certificate, ek, []) },
    { case: 'invalid/other_ek.pub', expected: 'tpm-ek-key-mismatch', got: judge(certificate, otherEk) },
    { case: 'invalid/other_ek_cert.der', expected: 'tpm-ek-key-mismatch', got: judge(otherCertificate, ek) },
    { case: 'invalid/other_ek.pub with its own certificate', expected: 'accept', got: judge(otherCertificate, otherEk) },
  ];
}

/** Its challenge is four bytes, so the steps of `verifyCertifiedKey` are taken one by one. */
async function certifiedCases({ folder }: NodeFolder): Promise<SuiteCase[]> {
  const ak = parseAttestationKey(parseTpm2bPublic(await readBytes(folder, 'ak.pub')).raw);
  const attest = await readBytes(folder, 'invalid/wrapkey_exportable.attest');
  const signature = parseSignature(await readBytes(folder, 'invalid/wrapkey_exportable.sig'));
  const key = parseTpm2bPublic(await readBytes(folder, 'invalid/wrapkey_exportable.pub'));
  const resident = parseTpm2bPublic(await readBytes(folder, 'wrapkey.pub'));
  const statement = parseAttest(attest);
  return [
    { case: 'invalid/wrapkey_exportable.attest is by the AK', expected: 'accept', got: verdict(() => (verifySignature(ak, attest, signature) ? 'accept' : 'signature does not hold')) },
    { case: 'invalid/wrapkey_exportable.attest names the key', expected: tpmName(key), got: statement.type === 'certify' ? statement.certifiedName : 'no certification' },
    { case: 'invalid/wrapkey_exportable.pub as a resident key', expected: 'tpm-certified-attributes', got: verdict(() => requireResidentKey(key)) },
    { case: 'wrapkey.pub as a resident key', expected: 'accept', got: verdict(() => requireResidentKey(resident)) },
  ];
}
